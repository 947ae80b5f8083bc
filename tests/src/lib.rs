//! What the end-to-end tests share: simulated accounts, servers of their own, streams of lines.

pub mod acme;
pub mod hostile;
pub mod measured;
pub mod mock;
pub mod reference;

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};
use keyway::{Credential, Failure, Host, HostBuilder, Incoming, Line, Outcome, component::RetryOverride};
use keyway_simulator::{Call, Fault, FaultKind, FaultTarget, Options, Simulator};
use serde_json::Value;

/// A simulator with these options.
pub async fn simulator(options: Options) -> Simulator {
    Simulator::start(options).await.expect("loopback has free ports")
}

/// A host that reaches a simulator where the real servers would be, with retries that do not keep a test waiting.
pub fn simulated(simulator: &Simulator) -> HostBuilder {
    let origin = |text: &str| text.parse().expect("the simulator names origins");
    let pairs: Vec<_> =
        simulator.demo().origins.iter().map(|pair| (origin(&pair.real), origin(&pair.simulated))).collect();
    Host::builder().origin_map(pairs).retry(quick())
}

/// Retries after 10 ms; how many is the component's business.
pub fn quick() -> RetryOverride {
    RetryOverride { delay_ms: Some(10), ..RetryOverride::default() }
}

/// The same, so many times.
pub fn retries(count: u32) -> RetryOverride {
    RetryOverride { count: Some(count), ..quick() }
}

/// An account of a simulator as the environment variables that it would be.
#[derive(Debug, Clone)]
pub struct Demo {
    component: &'static str,
    values: BTreeMap<String, String>,
}

impl Demo {
    /// The demo account of a component.
    pub fn of(simulator: &Simulator, component: &'static str) -> Self {
        let values = simulator.demo().accounts[component].iter().cloned().collect();
        Self { component, values }
    }

    /// Podio's with a grant.
    pub fn podio(simulator: &Simulator, grant: &str) -> Self {
        Self::of(simulator, "podio").set("PODIO_GRANT", grant)
    }

    /// One of Podio's two apps.
    pub fn podio_app(simulator: &Simulator, app_id: &str, app_token: &str) -> Self {
        Self::podio(simulator, "app").set("PODIO_APP_ID", app_id).set("PODIO_APP_TOKEN", app_token)
    }

    /// Another value of a variable.
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.values.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Without a variable.
    pub fn without(mut self, name: &str) -> Self {
        self.values.remove(name);
        self
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> &str {
        &self.values[name]
    }

    /// The credential.
    pub fn credential(&self) -> Credential {
        Credential::demo(self.component, self.values.clone())
    }
}

/// A fault that meets the next `count` requests.
pub fn fault(fault: FaultKind, on: FaultTarget, count: u32) -> Fault {
    Fault { fault, on, count, wait_s: 0, delay_ms: 0 }
}

/// Every access token dies now.
pub fn tokens_die(simulator: &Simulator) {
    simulator.fault(fault(FaultKind::TokensDie, FaultTarget::Api, 1));
}

/// What a simulator's token endpoints have seen.
pub fn token_calls(simulator: &Simulator) -> Vec<Call> {
    simulator.stats().calls.into_iter().filter(|call| call.target == "token").collect()
}

/// What a simulator's APIs have seen.
pub fn api_calls(simulator: &Simulator) -> Vec<Call> {
    simulator.stats().calls.into_iter().filter(|call| call.target == "api").collect()
}

/// The members of a JSON body.
pub fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("no JSON ({error}): {text}"))
}

/// Lines of input, as a stream.
pub fn lines<L: AsRef<[u8]>>(lines: impl IntoIterator<Item = L>) -> Vec<Incoming> {
    let whole = |line: L| Incoming::from(Line::Whole(bytes::Bytes::copy_from_slice(line.as_ref())));
    lines.into_iter().map(whole).collect()
}

/// Runs lines and gives the outcomes in the order of the lines.
pub async fn run<L: AsRef<[u8]>>(host: &Host, input: impl IntoIterator<Item = L>) -> Vec<Outcome> {
    host.run_in_order(stream::iter(lines(input))).collect().await
}

/// Runs one line and gives its outcome as it is written.
pub async fn run_one(host: &Host, line: impl AsRef<[u8]>) -> String {
    written(&run(host, [line]).await[0])
}

/// An outcome as it is written, without its line break.
pub fn written(outcome: &Outcome) -> String {
    let mut line = Vec::new();
    outcome.write_line(&mut line).expect("memory takes it");
    let line = String::from_utf8(line).expect("outcomes are UTF-8");
    assert_eq!(line.matches('\n').count(), 1, "one line a message: {line:?}");
    line.trim_end_matches('\n').to_owned()
}

/// The failure of a message that has to fail.
pub fn failed<T: std::fmt::Debug>(result: Result<T, Failure>) -> Failure {
    result.expect_err("the message has to fail")
}

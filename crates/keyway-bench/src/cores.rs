//! The pure cores of a message's way, each alone, so that instructions can be counted.

use std::{hint::black_box, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use keyway::{
    AttemptEnd, Connection, Credential, Host, MemoryStore, Outcome, SendFuture, Transport, WireAnswer, WireCall,
    parse_message,
};

use crate::{
    fault::{Ended, Fault},
    peers::component_of,
    scenario::SCENARIOS,
};

/// Their names.
pub(crate) const CORES: [&str; 3] = ["parse", "way", "render"];

/// Runs a core so many times.
pub(crate) fn run(name: &str, times: u64) -> Ended {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let line = Bytes::from(SCENARIOS[0].lines(1).trim_end().to_owned());
    let message = parse_message(&line).map_err(|error| Fault(error.to_string()))?;
    runtime.block_on(async {
        // All three are made, so that each pays for the same beginning.
        let (_host, connection) = connected()?;
        let result = connection.send(message.clone()).await;
        let outcome = Outcome { line: 1, id: None, passthrough: None, result, position: None, input: None };
        let mut written = Vec::new();
        for _ in 0..times {
            match name {
                "parse" => drop(black_box(parse_message(black_box(&line)))),
                // Resolve, confine, admit, sign, judge: all but the wire.
                "way" => drop(black_box(connection.send(message.clone()).await)),
                "render" => {
                    written.clear();
                    outcome.write_line(&mut written)?;
                    black_box(&written);
                }
                other => return Err(Fault(format!("there is no core `{other}`; there are {}", CORES.join(", ")))),
            }
        }
        Ok(())
    })
}

/// A wire without a server.
struct Wire(Bytes);

impl Transport for Wire {
    fn send(&self, call: WireCall) -> SendFuture<'_> {
        let token = Bytes::from_static(br#"{"access_token":"bench-token","token_type":"bearer","expires_in":360000}"#);
        let body = if call.url.path() == "/oauth/token" { token } else { self.0.clone() };
        let json = HeaderValue::from_static("application/json");
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, json)]);
        Box::pin(async move { AttemptEnd::Answered(WireAnswer { status: StatusCode::OK, headers, body: body.into() }) })
    }
}

fn connected() -> Ended<(Arc<Host>, Connection)> {
    let folder = component_of("http://127.0.0.1:9")?;
    let body = Bytes::from_static(br#"{"items":[{"id":1,"name":"first","done":true},{"id":2,"name":"second","done":false},{"id":3,"name":"third","done":false}],"note":"as long as answers of such APIs are","sent":null}"#);
    let host = Host::builder()
        .components_dir(folder.path())
        .token_store(MemoryStore::default())
        .transport(Wire(body))
        .build()?;
    let client = [("BENCH_CLIENT_ID", "bench"), ("BENCH_CLIENT_SECRET", "bench-secret")];
    let connection = host.connect(Credential::from_vars("bench", client))?;
    Ok((Arc::new(host), connection))
}

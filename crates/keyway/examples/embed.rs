//! Keyway inside a program: one request, a failure that holds its answer, and a stream.
//!
//! Runs against the simulator: `cargo run -p keyway --example embed`. With an account of your own, leave the origin map
//! out and connect `Credential::from_env("podio")?`.

use futures_util::{StreamExt, stream};
use keyway::{Credential, Failure, Host, Message, Origin};
use keyway_simulator::{Options, Simulator};
use serde_json::{Value, json};

type Anything = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Anything> {
    let simulator = Simulator::start(Options::default()).await?;
    let demo = simulator.demo();
    let mut origins: Vec<(Origin, Origin)> = Vec::new();
    for origin in &demo.origins {
        origins.push((origin.real.parse()?, origin.simulated.parse()?));
    }

    // A host knows the built-in components; `components_dir` adds a folder of more.
    let host = Host::builder().origin_map(origins).concurrency(8).build()?;
    // Connecting makes no request: the first message gets the token.
    let podio = host.connect(Credential::demo("podio", demo.accounts["podio"].clone()))?;

    let answer = podio.send(Message::get("/user/status")).await?;
    let status: Value = answer.json()?;
    say(&format!("{} is signed in", status["user"]["mail"]));

    let filter = Message::post("/item/app/{app_id}/filter/").param("app_id", 500_600).json(&json!({"limit": 2}))?;
    let orders: Value = podio.send(filter).await?.json()?;
    say(&format!("{} orders, {} shown", orders["total"], orders["items"].as_array().map_or(0, Vec::len)));

    // 400 and above is a failure, and the failure holds the answer.
    let missing: Result<_, Failure> = podio.send(Message::get("/item/1")).await;
    if let Err(failure) = missing {
        let status = failure.answer.as_ref().map(|answer| answer.status);
        say(&format!("{}: {status:?}, worth another try: {}", failure.code, failure.retryable));
    }

    // Many messages: one outcome for each, as they are done.
    let messages = (800_001..=800_003).map(|id| Message::get("/item/{item_id}").param("item_id", id));
    let mut outcomes = host.run(stream::iter(messages));
    while let Some(outcome) = outcomes.next().await {
        let title = outcome.result.map(|answer| answer.json::<Value>().map(|item| item["title"].to_string()));
        say(&format!("message {}: {title:?}", outcome.line));
    }

    // Renewals that are under way come to their end before the process does.
    host.close().await;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "an example prints")]
fn say(line: &str) {
    println!("{line}");
}

//! What is timed: which lines, at which concurrency, how many of them.

use std::fmt::Write;

/// One kind of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scenario {
    /// Its name, for tables.
    pub(crate) name: &'static str,
    /// Requests under way at once.
    pub(crate) concurrency: usize,
    /// What the requests ask for.
    pub(crate) asks: Asks,
    /// Messages a second that bare reqwest comes to, roughly: how many make up a second's work.
    pub(crate) a_second: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asks {
    /// Some 300 bytes.
    Echo,
    /// The same, so many milliseconds later.
    Delayed(u64),
    /// So many bytes.
    Bytes(usize),
}

pub(crate) const SCENARIOS: [Scenario; 5] = [
    Scenario { name: "small, 16 at once", concurrency: 16, asks: Asks::Echo, a_second: 25_000 },
    Scenario { name: "small, 64 at once", concurrency: 64, asks: Asks::Echo, a_second: 25_000 },
    Scenario { name: "small, 256 at once", concurrency: 256, asks: Asks::Echo, a_second: 25_000 },
    Scenario { name: "50 ms each, 256 at once", concurrency: 256, asks: Asks::Delayed(50), a_second: 5_000 },
    Scenario { name: "1 MB each, 16 at once", concurrency: 16, asks: Asks::Bytes(1_000_000), a_second: 200 },
];

// === impl Scenario ===

impl Scenario {
    /// So many lines.
    pub(crate) fn lines(&self, count: usize) -> String {
        let mut lines = String::new();
        for n in 0..count {
            let sent = body(n);
            // Memory takes it.
            let _ = match self.asks {
                Asks::Echo => writeln!(lines, r#"{{"id":{n},"method":"POST","url":"/echo","body":{sent}}}"#),
                Asks::Delayed(ms) => {
                    writeln!(lines, r#"{{"id":{n},"method":"POST","url":"/delay/{ms}","body":{sent}}}"#)
                }
                Asks::Bytes(bytes) => writeln!(lines, r#"{{"id":{n},"method":"GET","url":"/size/{bytes}"}}"#),
            };
        }
        lines
    }

    /// What the body of the answer to line `n` has to be, as far as that is known.
    pub(crate) fn is_answer(&self, n: usize, body: &serde_json::Value) -> bool {
        match self.asks {
            Asks::Bytes(bytes) => body["items"].as_array().is_some_and(|items| items.len() > bytes / 100),
            Asks::Echo | Asks::Delayed(_) => {
                body["sent"] == serde_json::from_str::<serde_json::Value>(&self::body(n)).unwrap_or_default()
            }
        }
    }
}

/// Some 80 bytes of JSON, another for each line.
fn body(n: usize) -> String {
    format!(r#"{{"n":{n},"name":"item {n}","tags":["a","b","c"],"note":"as such messages are"}}"#)
}

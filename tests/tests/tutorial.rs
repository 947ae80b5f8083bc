//! The tutorial is followed word by word: its files are written, its commands run, and their output is what it shows.

mod support;

use std::{fs, process::Stdio};

use keyway_simulator::{Options, Simulator};
use support::{Home, binary, workspace};
use tokio::process::Command;

/// A fenced block: what stands behind the fence, and its text.
struct Block {
    label: String,
    text: String,
}

fn blocks(page: &str) -> Vec<Block> {
    let (mut blocks, mut open) = (Vec::new(), None::<Block>);
    for line in page.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(label), None) => open = Some(Block { label: label.to_owned(), text: String::new() }),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => block.text.push_str(&format!("{line}\n")),
            (None, None) => {}
        }
    }
    blocks
}

/// Whether an output is what is shown; `...` stands for anything, whole lines too.
fn is_shown(output: &str, shown: &str) -> bool {
    let mut parts: Vec<&str> = shown.trim_end().split("...").map(|part| part.trim_start_matches('\n')).collect();
    let Some(last) = parts.pop() else { return false };
    let mut rest = output.trim_end();
    for (n, part) in parts.iter().enumerate() {
        match rest.find(part) {
            Some(at) if n > 0 || at == 0 => rest = &rest[at + part.len()..],
            _ => return false,
        }
    }
    if parts.is_empty() { rest == last } else { rest.ends_with(last) }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_of_the_tutorial_works() {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    let origin = simulator.demo().origins[0].simulated.clone();
    let page = fs::read_to_string(workspace().join("docs/tutorial.md")).unwrap();
    let page = page.replace("http://127.0.0.1:4000", &origin);
    let home = Home::new();
    // One shell, as a person has one: what it exports stays.
    let (mut exported, mut output) = (String::new(), None::<(String, String)>);
    let mut steps = 0;
    for Block { label, text } in blocks(&page) {
        let (kind, rest) = label.split_once(' ').unwrap_or((&label, ""));
        match (kind, rest) {
            ("sh", "other") => assert!(text.starts_with("keyway simulator"), "{text}"),
            ("sh", fails) => {
                steps += 1;
                let path = format!("{}:{}", binary().parent().unwrap().display(), std::env::var("PATH").unwrap());
                let mut shell = Command::new("sh");
                shell.args(["-ec", &format!("{exported}{text}")]).current_dir(home.path()).stdin(Stdio::null());
                shell.env("PATH", path).env("KEYWAY_HOME", home.file("keyway")).env("HOME", home.path());
                let ran = shell.output().await.unwrap();
                let (out, err) = (String::from_utf8(ran.stdout).unwrap(), String::from_utf8(ran.stderr).unwrap());
                assert_eq!(ran.status.success(), fails != "fails", "{text}\n{out}\n{err}");
                exported
                    .extend(text.lines().filter(|line| line.starts_with("export ")).map(|line| format!("{line}\n")));
                output = Some((out, err));
            }
            ("text", stream) => {
                let (out, err) = output.take().expect("an output is shown after its command");
                let found = if stream == "stderr" { err } else { out };
                assert!(is_shown(&found, &text), "shown is\n{text}\nand it was\n{found}");
            }
            ("json" | "ndjson", file) => _ = home.write(file, text),
            (other, _) => panic!("a block of `{other}`: nobody knows what to do with it"),
        }
    }
    assert!(steps > 8, "{steps} commands");
}

//! A token store that cannot be used as it is: each time an error that says what helps, nothing on disk changed, and the
//! account works again when the cause is gone.
#![cfg(unix)]

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::MetadataExt,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use keyway_simulator::{Fault, FaultKind, FaultTarget, Options, Simulator};
use keyway_tests::mock::{Mock, Seen, reply, token};
use serde_json::json;
use support::{
    Ran,
    account::{Account, files},
    disk::{bound_by_permissions, on_a_full_disk, set_mode},
};
use tokio::sync::Notify;

const MESSAGE: &str = r#"{"method":"GET","url":"/user"}"#;

/// An account whose refresh token rotates, with a token in its folder, at a server that ends it at any reuse.
struct Place {
    simulator: Simulator,
    account: Account,
}

impl Place {
    /// An account that never had a token.
    async fn empty() -> Self {
        let (rotate_refresh_tokens, refresh_reuse_revokes) = (true, true);
        let options = Options { rotate_refresh_tokens, refresh_reuse_revokes, ..Options::default() };
        let simulator = Simulator::start(options).await.expect("loopback has free ports");
        let account = Account::podio(&simulator, "json");
        Self { simulator, account }
    }

    async fn new() -> Self {
        let place = Self::empty().await;
        place.account.run().run(MESSAGE).await.succeeded();
        place
    }

    /// The next message has to renew.
    fn token_ends(&self) {
        self.simulator.fault(Fault {
            fault: FaultKind::TokensDie,
            on: FaultTarget::Api,
            count: 1,
            wait_s: 0,
            delay_ms: 0,
        });
    }

    /// What lies in the token folder: names, modes and bytes.
    fn on_disk(&self) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
        let content = |path: &PathBuf| {
            let mode = path.metadata().expect("it is there").mode();
            (mode, fs::read(path).expect("it can be read"))
        };
        files(&self.account.tokens()).into_iter().map(|path| (path.clone(), content(&path))).collect()
    }

    /// The command is refused at its start in these words, asks no server and writes nothing.
    async fn is_refused(&self, words: &[&str]) {
        let (before, asked) = (self.on_disk(), self.simulator.stats().token_requests);
        self.account.run().run(MESSAGE).await.refused(2, words);
        assert!(self.on_disk() == before, "nothing is written");
        assert_eq!(self.simulator.stats().token_requests, asked, "nobody is asked");
    }

    /// The account lives: what is stored serves, is renewed, and is what the server takes next.
    async fn works(&self) {
        for _ in 0..2 {
            let ran = self.account.run().run(MESSAGE).await.succeeded();
            assert_eq!(ran.outcome()["status"], 200);
            let stored = self.account.observer().refresh_token().await;
            assert_eq!(self.simulator.live_refresh_tokens(), stored.into_iter().collect());
            self.token_ends();
        }
        assert_eq!(self.simulator.stats().refresh_reuses, 0);
    }
}

/// The message fails for want of a token, and both its outcome and standard error say why and what helps.
#[track_caller]
fn has_no_token(ran: &Ran, words: &[&str]) {
    assert_eq!(ran.code(), Some(1), "{ran}");
    let outcome = ran.outcome();
    assert_eq!(outcome["error"]["code"], "token_unavailable", "{ran}");
    for word in words {
        assert!(outcome["error"]["message"].as_str().unwrap_or_default().contains(word), "`{word}`: {outcome}");
        assert!(ran.stderr.contains(word), "`{word}` is not said: {ran}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_sends_nothing_that_could_be_lost() {
    let place = Place::new().await;
    place.token_ends();
    let (before, asked) = (place.on_disk(), place.simulator.stats().token_requests);
    let ran = on_a_full_disk(place.account.run()).run(MESSAGE).await;
    has_no_token(&ran, &["the token store at", "make room"]);
    assert!(place.on_disk() == before, "byte for byte as it was");
    assert_eq!(place.simulator.stats().token_requests, asked, "a renewal that could not be stored is not begun");
    place.works().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_does_not_stop_a_token_that_serves() {
    let place = Place::new().await;
    let before = place.on_disk();
    on_a_full_disk(place.account.run()).run(MESSAGE).await.succeeded();
    assert!(place.on_disk() == before);
    place.works().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_at_the_first_start_leaves_no_half_key() {
    let place = Place::empty().await;
    on_a_full_disk(place.account.run()).run(MESSAGE).await.refused(2, &["the token store at", "make room"]);
    assert_eq!(place.on_disk(), BTreeMap::new());
    place.works().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_cannot_be_written() {
    let place = Place::new().await;
    place.token_ends();
    let before = place.on_disk();
    let folder = place.account.tokens();
    set_mode(&folder, 0o500);
    let ran = bound_by_permissions(place.account.run()).run(MESSAGE).await;
    ran.refused(2, &["the token store at", "let this user write there", "--token-store"]);
    set_mode(&folder, 0o700);
    assert!(place.on_disk() == before);
    place.works().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_one_component_that_cannot_be_written() {
    let place = Place::new().await;
    place.token_ends();
    let (before, asked) = (place.on_disk(), place.simulator.stats().token_requests);
    let file = place.account.token_file();
    let folder = file.parent().expect("it lies in a folder");
    set_mode(folder, 0o500);
    let ran = bound_by_permissions(place.account.run()).run(MESSAGE).await;
    set_mode(folder, 0o700);
    has_no_token(&ran, &["the token store at", "let this user write there"]);
    assert!(place.on_disk() == before);
    assert_eq!(place.simulator.stats().token_requests, asked);
    place.works().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_below_a_file_is_no_folder() {
    let place = Place::new().await;
    let (before, store) = (place.on_disk(), place.account.home().file("account.json/tokens"));
    let ran = place.account.run_in(&store).run(MESSAGE).await;
    ran.refused(2, &["account.json/tokens", "--token-store"]);
    assert!(place.on_disk() == before);
    place.works().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fails_between_answer_and_file_costs_no_account() {
    let (api, arrived, go) = held().await;
    let account = Account::acme(&api.url, "refresh-0");
    let mut run = account.run().start();
    // The first token.
    go.notify_one();
    run.write(MESSAGE).await;
    assert_eq!(run.read().await["status"], 200);
    arrived.notified().await;
    let folder = account.token_file().parent().expect("it lies in a folder").to_owned();
    let aside = folder.with_extension("aside");

    // The second one, whose answer comes when the folder is gone.
    run.write(MESSAGE).await;
    arrived.notified().await;
    fs::rename(&folder, &aside).expect("the folder can be renamed");
    fs::write(&folder, "in its place").expect("a file can be there");
    go.notify_one();
    let outcome = run.read().await;
    assert_eq!((&outcome["status"], &outcome["attempts"]), (&json!(200), &json!(2)), "it serves from memory");
    run.told("token_not_stored").await;

    // The cause is gone before the process ends.
    fs::remove_file(&folder).expect("it can be removed");
    fs::rename(&aside, &folder).expect("the folder can come back");
    run.close_stdin();
    run.end().await.succeeded();

    // A third one is got with what the second answer brought.
    go.notify_one();
    let ran = account.run().run(MESSAGE).await.succeeded();
    assert_eq!(ran.outcome()["status"], 200);
    let sent: Vec<String> = api.seen("/token").iter().map(|seen| seen.text().to_owned()).collect();
    assert_eq!(sent.len(), 3);
    assert!(sent.iter().enumerate().all(|(n, sent)| sent.contains(&format!("refresh-{n}"))), "{sent:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_file_that_is_removed_while_a_process_runs() {
    let place = Place::new().await;
    let mut run = place.account.run().start();
    for removed in [false, true] {
        if removed {
            fs::remove_file(place.account.token_file()).expect("it can be removed");
            place.token_ends();
        }
        run.write(MESSAGE).await;
        let outcome = run.read().await;
        assert_eq!(outcome["status"], 200, "{outcome}");
    }
    run.close_stdin();
    run.end().await.succeeded();
    place.works().await;
}

/// An API whose tokens serve once, and whose token endpoint tells that it was asked and answers when it is let. Any
/// refresh token but the newest is refused.
async fn held() -> (Mock, Arc<Notify>, Arc<Notify>) {
    let (arrived, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (signals, used) = ((Arc::clone(&arrived), Arc::clone(&go)), Arc::new(Mutex::new(BTreeSet::new())));
    let api = Mock::start(move |seen: Seen| {
        let ((arrived, go), used) = (signals.clone(), Arc::clone(&used));
        async move {
            if seen.path != "/token" {
                let first = used.lock().unwrap().insert(seen.header("authorization").to_owned());
                return reply(if first { 200 } else { 401 }, &json!({}));
            }
            arrived.notify_one();
            go.notified().await;
            if !seen.text().contains(&format!("refresh_token=refresh-{}", seen.nth)) {
                return reply(400, &json!({"error": "invalid_grant"}));
            }
            let mut answer = token(seen.nth + 1);
            answer["refresh_token"] = format!("refresh-{}", seen.nth + 1).into();
            reply(200, &answer)
        }
    })
    .await;
    (api, arrived, go)
}

/// What becomes of a token file, and what is said of it.
type Spoiled = (&'static str, fn(&[u8]) -> Vec<u8>, &'static [&'static str]);

#[tokio::test(flavor = "multi_thread")]
async fn a_token_file_that_is_damaged() {
    let table: [Spoiled; 5] = [
        ("empty", |_| Vec::new(), &["it is empty"]),
        ("cut off in its head", |good| good[..10].to_vec(), &["it is cut off"]),
        ("cut off in its middle", |good| good[..good.len() / 2].to_vec(), &["open with this key"]),
        ("one bit is another", |good| [&good[..40], &[good[40] ^ 1], &good[41..]].concat(), &["open with this key"]),
        ("of a later version", |good| [&[9], &good[1..]].concat(), &["it is of version 9"]),
    ];
    let place = Place::new().await;
    let file = place.account.token_file();
    for (case, spoil, words) in table {
        let good = fs::read(&file).expect("it is there");
        fs::write(&file, spoil(&good)).expect("it can be written");
        println!("{case}");
        place.is_refused(&[words, &["sign in again", file.to_str().expect("paths are UTF-8")]].concat()).await;
        fs::write(&file, good).expect("it can be written");
        place.works().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_file_of_another_account() {
    let place = Place::new().await;
    let other = place.account.another("other", &place.simulator.new_refresh_token());
    place.account.run_with(&other).run(MESSAGE).await.succeeded();
    let (mine, theirs) = (place.account.token_file(), place.account.token_file_of("other"));
    let good = fs::read(&mine).expect("it is there");
    fs::copy(&theirs, &mine).expect("it can be written");
    place.is_refused(&["open with this key", "sign in again"]).await;
    fs::write(&mine, good).expect("it can be written");
    let ran = place.account.run().run(MESSAGE).await.succeeded();
    assert_eq!(ran.outcome()["status"], 200);
    assert_eq!(place.simulator.live_refresh_tokens().len(), 2, "both accounts live");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_file_of_another_key() {
    let (place, stranger) = (Place::new().await, Place::new().await);
    let file = place.account.token_file();
    let good = fs::read(&file).expect("it is there");
    fs::copy(stranger.account.token_file(), &file).expect("it can be written");
    place.is_refused(&["open with this key", "sign in again"]).await;
    fs::write(&file, good).expect("it can be written");
    place.works().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_others_can_read() {
    let place = Place::new().await;
    for file in [place.account.token_file(), place.account.tokens().join("key")] {
        set_mode(&file, 0o644);
        place.is_refused(&["can be read by others (mode 644)", "chmod 600", file.to_str().expect("UTF-8")]).await;
        set_mode(&file, 0o600);
        place.works().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_a_wrong_size() {
    let place = Place::new().await;
    let key = place.account.tokens().join("key");
    let good = fs::read(&key).expect("it is there");
    for wrong in [&[][..], &good[..31], &[&good[..], b"\n"].concat()] {
        fs::write(&key, wrong).expect("it can be written");
        place.is_refused(&["a key is 32 bytes", key.to_str().expect("paths are UTF-8")]).await;
        fs::write(&key, &good).expect("it can be written");
        place.works().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_with_the_key_of_another() {
    let place = Place::new().await;
    let key = place.account.tokens().join("key");
    let good = fs::read(&key).expect("it is there");
    fs::write(&key, [7; 32]).expect("it can be written");
    place.is_refused(&["open with this key"]).await;
    fs::write(&key, &good).expect("it can be written");
    place.works().await;
}

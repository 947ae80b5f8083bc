//! c31: the system's browser is opened, never one of ours; where there is none, the address alone has to do.

mod support;

use std::os::unix::fs::PermissionsExt;

use support::{
    scripted::{component, willing},
    sign_in::{ACME, Account, NAME, authorization_url, is_signed_in},
};
use url::Url;

/// An account, and an opener that notes what it is given in a file.
async fn account_with_opener() -> (keyway_tests::mock::Mock, Account, String) {
    let server = willing().await;
    let account = Account::new(&component(&server), "authorization_code", ACME);
    let opener = account.home.file("bin/xdg-open");
    let noted = account.home.file("opened");
    account.home.write(
        "bin/xdg-open",
        format!("#!/bin/sh\nprintf '%s\\n' \"$@\" > '{0}.part' && mv '{0}.part' '{0}'\n", noted),
    );
    std::fs::set_permissions(&opener, std::fs::Permissions::from_mode(0o755)).unwrap();
    (server, account, noted)
}

fn path_with_opener(account: &Account) -> String {
    format!("{}:{}", account.home.file("bin"), std::env::var("PATH").unwrap())
}

/// The person's browser is sent back with a code.
async fn answered(url: &Url, waiting: &str) {
    let state = url.query_pairs().find(|pair| pair.0 == "state").unwrap().1.into_owned();
    let back = Url::parse_with_params(waiting, [("code", "a-code"), ("state", &state)]).unwrap();
    assert_eq!(support::http::get(back.as_str()).await.h1(), "You are signed in");
}

#[tokio::test(flavor = "multi_thread")]
async fn c31_the_systems_browser_is_opened_with_the_address() {
    let (_server, account, noted) = account_with_opener().await;
    let command = account.keyway(&["login", NAME]).env("PATH", path_with_opener(&account)).env("DISPLAY", ":0");
    let mut running = command.start();
    let url = authorization_url(&mut running).await;
    let begin = "Waiting for the browser at ";
    let waiting = running.told_as(begin, |line| line.strip_prefix(begin).map(str::to_owned)).await;
    answered(&url, &waiting).await;
    is_signed_in(&running.end().await);
    // The opener runs beside, and needs not be done when the command is.
    let opened = tokio::time::timeout(std::time::Duration::from_secs(10), async {
        loop {
            match std::fs::read_to_string(&noted) {
                Ok(text) => return text,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    });
    assert_eq!(opened.await.expect("something was opened"), format!("{url}\n"), "the address alone, as one argument");
}

#[tokio::test(flavor = "multi_thread")]
async fn c31_without_a_screen_or_from_afar_nothing_is_opened() {
    for (name, value) in [("TERM", "dumb"), ("SSH_CONNECTION", "203.0.113.5 50000 203.0.113.6 22")] {
        let (_server, account, noted) = account_with_opener().await;
        let display = if name == "SSH_CONNECTION" { ":0" } else { "" };
        let command = account.keyway(&["login", NAME]).env("PATH", path_with_opener(&account));
        let mut running = command.env(name, value).env("DISPLAY", display).start();
        let url = authorization_url(&mut running).await;
        running.told("There is no browser here").await;
        let begin = "Waiting for the browser at ";
        let waiting = running.told_as(begin, |line| line.strip_prefix(begin).map(str::to_owned)).await;
        answered(&url, &waiting).await;
        is_signed_in(&running.end().await);
        assert!(!std::path::Path::new(&noted).exists(), "{name}");
    }
}

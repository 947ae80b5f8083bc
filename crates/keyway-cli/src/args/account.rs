//! The words of the commands about accounts: `credential`, `login`, `logout`, `token`, `doctor`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

use super::{AccountArgs, ComponentSources, NetworkArgs, pair};

const ADD_HELP: &str = "\
Asks for what is missing on a terminal, secrets without echo. In a script nothing is asked: give flags, and secrets as
references or as one JSON object on standard input. Secrets that are typed or piped in are sealed: encrypted in the
file with the key of the token store.

Examples:
  keyway credential add podio
  keyway credential add podio acme --grant app --client-id acme --variable app_id=500600 \\
      --secret client_secret=env:ACME_SECRET --secret app_token=file:/run/secrets/app_token
  printf '{\"client_secret\":\"…\"}' | keyway credential add podero --environment sandbox --client-id acme --secrets-stdin";

const LOGIN_HELP: &str = "\
With the grant `authorization_code` the browser is opened and sent back to 127.0.0.1. Where no browser is at hand, or
the redirect URI is elsewhere, the address is printed, and the address that the browser ends at is pasted: at once
(--paste), or later and from another shell (--print-url, then --answer). With `device_code` a code is typed in on
another device. With all other grants the token is got from what the credential has.

Examples:
  keyway login acme
  keyway login acme --print-url
  keyway login acme --answer 'https://integration.example.org/callback?code=…&state=…'";

const TOKEN_HELP: &str = "\
Examples:
  keyway token show acme
  keyway token renew --all --older-than 7d      # every day: keeps idle accounts alive
  printf %s \"$REFRESH_TOKEN\" | keyway token import acme";

/// Accounts: each a file in the folder of credentials.
#[derive(Debug, Subcommand)]
pub(crate) enum CredentialCommand {
    /// Make an account: asks on a terminal, takes flags and standard input in scripts
    #[command(after_long_help = ADD_HELP)]
    Add(Box<AddArgs>),
    /// List all accounts
    List {
        #[command(flatten)]
        sources: ComponentSources,
    },
    /// Show an account; secrets stay references
    Show {
        /// The credential's name, or the path of its file
        credential: String,
        #[command(flatten)]
        sources: ComponentSources,
    },
    /// Change an account
    Set(Box<SetArgs>),
    /// Check credential files; every fault comes with line, pointer and hint
    Check {
        /// Names or paths; all of the folder when none is given
        credentials: Vec<String>,
        #[command(flatten)]
        sources: ComponentSources,
    },
    /// Send the component's `verify` request with an account
    Verify(OneArgs),
    /// Remove an account and its token here; `keyway logout` first ends the token at the server
    Remove {
        /// The credential's name
        credential: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        sources: ComponentSources,
        #[command(flatten)]
        account: AccountArgs,
    },
}

#[derive(Debug, ClapArgs)]
pub(crate) struct AddArgs {
    /// A component's name, or the path of its file
    pub(crate) component: String,
    /// The account's name; the component's name when none is given
    pub(crate) name: Option<String>,
    /// Put it in the place of an account of the same name
    #[arg(long)]
    pub(crate) replace: bool,
    #[command(flatten)]
    pub(crate) inputs: InputArgs,
    #[command(flatten)]
    pub(crate) sources: ComponentSources,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct SetArgs {
    /// The credential's name
    pub(crate) credential: String,
    #[command(flatten)]
    pub(crate) inputs: InputArgs,
    /// Take a member out: client, username, redirect_uri, scope, authorization_params, retry, oauth2, or the name of a
    /// variable or a secret; repeatable
    #[arg(long, value_name = "NAME")]
    pub(crate) unset: Vec<String>,
    #[command(flatten)]
    pub(crate) sources: ComponentSources,
}

/// What an account is made of.
#[derive(Debug, Default, ClapArgs)]
pub(crate) struct InputArgs {
    /// The environment
    #[arg(long, value_name = "NAME")]
    pub(crate) environment: Option<String>,
    /// The grant by which the first token is got
    #[arg(long, value_name = "NAME")]
    pub(crate) grant: Option<String>,
    /// A client that several accounts share: NAME.json in the folder of clients
    #[arg(long, value_name = "NAME", conflicts_with = "client_id")]
    pub(crate) client: Option<String>,
    /// The client's identifier
    #[arg(long, value_name = "ID")]
    pub(crate) client_id: Option<String>,
    /// The user's name, for the grant `password`
    #[arg(long, value_name = "NAME")]
    pub(crate) username: Option<String>,
    /// The redirect URI that is registered for the client
    #[arg(long, value_name = "URL")]
    pub(crate) redirect_uri: Option<String>,
    /// The scope to ask for instead of the component's, separated by spaces or commas
    #[arg(long, value_name = "SCOPE")]
    pub(crate) scope: Option<String>,
    /// A value of a variable of the component; repeatable
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) variable: Vec<(String, String)>,
    /// More parameters of the authorization request, such as access_type:offline,prompt:consent
    #[arg(long, value_name = "NAME:VALUE,…", value_parser = keyway::credential::parse_authorization_params)]
    pub(crate) authorization_params: Option<std::collections::BTreeMap<String, Option<String>>>,
    #[command(flatten)]
    pub(crate) secrets: SecretArgs,
    /// Retries after the first attempt; 0 means none
    #[arg(long, value_name = "N")]
    pub(crate) retry_count: Option<u32>,
    /// Milliseconds before a retry
    #[arg(long, value_name = "MS")]
    pub(crate) retry_delay_ms: Option<u64>,
    /// Another token endpoint of the same vendor
    #[arg(long, value_name = "URL")]
    pub(crate) token_endpoint: Option<String>,
    /// How token requests are encoded
    #[arg(long, value_enum, value_name = "KIND")]
    pub(crate) token_encoding: Option<EncodingArg>,
}

/// Where secrets are. None of them is a secret itself: others see the arguments of a command.
#[derive(Debug, Default, ClapArgs)]
pub(crate) struct SecretArgs {
    /// Where a secret is: NAME=env:VARIABLE, NAME=file:PATH, or NAME=command:PROGRAM ARGUMENT…; repeatable
    // No parser: its error would show what may be a secret.
    #[arg(long, value_name = "NAME=WHERE")]
    pub(crate) secret: Vec<String>,
    /// Read secrets from standard input, as one JSON object {"client_secret":"…"}, and seal them
    #[arg(long)]
    pub(crate) secrets_stdin: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EncodingArg {
    Form,
    Json,
    Query,
}

/// A command about one account.
#[derive(Debug, ClapArgs)]
pub(crate) struct OneArgs {
    /// A credential's name or the path of its file; or a component's name, where it has one account only
    pub(crate) who: String,
    #[command(flatten)]
    pub(crate) sources: ComponentSources,
    #[command(flatten)]
    pub(crate) account: AccountArgs,
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
}

#[derive(Debug, ClapArgs)]
#[command(after_long_help = LOGIN_HELP)]
pub(crate) struct LoginArgs {
    #[command(flatten)]
    pub(crate) one: OneArgs,
    /// Open no browser: only print the address
    #[arg(long)]
    pub(crate) no_browser: bool,
    /// The port of 127.0.0.1 that the browser is sent back to; a free one by default
    #[arg(long, value_name = "PORT")]
    pub(crate) port: Option<u16>,
    /// Read the address that the browser ends at, or the code in it, from standard input
    #[arg(long, conflicts_with = "port")]
    pub(crate) paste: bool,
    /// Print the address alone and end; --answer finishes the sign-in later
    #[arg(long, conflicts_with_all = ["paste", "port"])]
    pub(crate) print_url: bool,
    /// Finish what --print-url began: the address that the browser ended at, or the code in it; - reads it from
    /// standard input, where no list of processes shows it
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["paste", "print_url", "port"])]
    pub(crate) answer: Option<String>,
    /// The longest to wait for the browser, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    pub(crate) wait: u64,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct LogoutArgs {
    #[command(flatten)]
    pub(crate) one: OneArgs,
    /// Forget the token here even where the server keeps it valid
    #[arg(long)]
    pub(crate) forget: bool,
}

/// The token of an account.
#[derive(Debug, Subcommand)]
#[command(after_long_help = TOKEN_HELP)]
pub(crate) enum TokenCommand {
    /// Show when it ends and what it may do; never the token itself
    Show {
        #[command(flatten)]
        one: OneArgs,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Get a new token now
    Renew(RenewArgs),
    /// Revoke it at the server and forget it
    Revoke(OneArgs),
    /// Begin with a refresh token that was got elsewhere, read from standard input
    Import(OneArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct RenewArgs {
    /// Credentials by name or path, or components that have one account only
    #[arg(required_unless_present = "all")]
    pub(crate) who: Vec<String>,
    /// All accounts of the folder of credentials that have a token
    #[arg(long, conflicts_with = "who")]
    pub(crate) all: bool,
    /// Only tokens that were got longer ago: 7d, 12h, 30m, 90s
    #[arg(long, value_name = "AGE", value_parser = age)]
    pub(crate) older_than: Option<std::time::Duration>,
    #[command(flatten)]
    pub(crate) sources: ComponentSources,
    #[command(flatten)]
    pub(crate) account: AccountArgs,
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct DoctorArgs {
    /// Credentials by name or path, or components; all of the folder of credentials when none is given
    pub(crate) who: Vec<String>,
    /// Ask no host
    #[arg(long)]
    pub(crate) offline: bool,
    #[command(flatten)]
    pub(crate) sources: ComponentSources,
    #[command(flatten)]
    pub(crate) account: AccountArgs,
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
}

/// A client that several accounts share.
#[derive(Debug, Subcommand)]
pub(crate) enum ClientCommand {
    /// Make a client: its id, and where its secret is
    Add(Box<ClientAddArgs>),
    /// List all clients
    List,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ClientAddArgs {
    /// A component's name, or the path of its file
    pub(crate) component: String,
    /// The client's name, by which credentials call it
    pub(crate) name: String,
    /// The client's identifier
    #[arg(long, value_name = "ID")]
    pub(crate) client_id: String,
    /// The environment that it is registered in
    #[arg(long, value_name = "NAME")]
    pub(crate) environment: Option<String>,
    /// The redirect URI that is registered for it
    #[arg(long, value_name = "URL")]
    pub(crate) redirect_uri: Option<String>,
    #[command(flatten)]
    pub(crate) secrets: SecretArgs,
    /// Put it in the place of a client of the same name
    #[arg(long)]
    pub(crate) replace: bool,
    #[command(flatten)]
    pub(crate) sources: ComponentSources,
}

/// `7d`, `12h`, `30m`, `90s`.
fn age(text: &str) -> Result<std::time::Duration, String> {
    let wrong = || "write a number and d, h, m or s, such as 7d".to_owned();
    let (digits, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let unit = match unit {
        "d" => 24 * 3600,
        "h" => 3600,
        "m" => 60,
        "s" => 1,
        _ => return Err(wrong()),
    };
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    Ok(std::time::Duration::from_secs(number.saturating_mul(unit)))
}

/// A path is a file's or a folder's; anything else is a name.
pub(crate) fn is_path(text: &str) -> bool {
    text.contains(std::path::MAIN_SEPARATOR) || text.contains('/') || text.ends_with(".json")
}

/// The path that a text is.
pub(crate) fn path_of(text: &str) -> PathBuf {
    PathBuf::from(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_read() {
        let seconds = |text: &str| age(text).ok().map(|age| age.as_secs());
        assert_eq!(
            [seconds("7d"), seconds("12h"), seconds("30m"), seconds("0s")],
            [Some(604_800), Some(43_200), Some(1800), Some(0)]
        );
        for wrong in ["", "7", "d", "-1d", "7 d", "7w", "7é"] {
            assert!(age(wrong).is_err(), "{wrong}");
        }
    }
}

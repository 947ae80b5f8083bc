//! The words of the command line. Help texts are the manual.

pub(crate) mod account;
pub(crate) mod component;

use std::path::PathBuf;

use account::{ClientCommand, CredentialCommand, DoctorArgs, LoginArgs, LogoutArgs, TokenCommand};
use clap::{ArgAction, Args as ClapArgs, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use component::ComponentCommand;

/// Any OAuth2 API in one JSON file: JSON messages in, authenticated requests out, one JSON result for each.
///
/// Try it without any account:
///
///   printf '{"method":"GET","url":"/user"}\n' | keyway run podio --simulator
#[derive(Debug, Parser)]
#[command(
    name = "keyway",
    version,
    max_term_width = 100,
    disable_help_subcommand = true,
    arg_required_else_help = true
)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) logs: LogArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Read messages, one JSON object a line, and write one result for each
    #[command(after_long_help = RUN_HELP)]
    Run(Box<RunArgs>),
    /// Send one request and print its answer
    #[command(after_long_help = REQUEST_HELP)]
    Request(Box<RequestArgs>),
    /// Make, look at, change and check accounts
    #[command(subcommand)]
    Credential(CredentialCommand),
    /// Make clients that several accounts share
    #[command(subcommand)]
    Client(ClientCommand),
    /// Sign in: get an account's first token
    Login(Box<LoginArgs>),
    /// Sign out: revoke an account's token and forget it
    Logout(Box<LogoutArgs>),
    /// Look at tokens, renew, revoke and import them
    #[command(subcommand)]
    Token(TokenCommand),
    /// Look at everything that accounts need: one line each, with a remedy
    Doctor(Box<DoctorArgs>),
    /// Look at components, and check them
    #[command(subcommand)]
    Component(ComponentCommand),
    /// Print the JSON Schema of a file or a line
    Schema {
        /// Which one
        name: SchemaName,
    },
    /// Run Podio and Podero on this machine, with demo accounts
    Simulator(SimulatorArgs),
    /// Print a completion script for a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
}

const RUN_HELP: &str = "\
A message:  {\"method\":\"GET\",\"url\":\"/user\",\"id\":7}
Its result: {\"line\":1,\"id\":7,\"status\":200,\"headers\":{…},\"body\":{…},\"attempts\":1,\"elapsed_ms\":12}
A failed one has \"error\": {\"code\",\"message\",\"retryable\",…} as well. `keyway schema message` and `keyway schema
outcome` have every member.

An account comes from `keyway credential add`, or from environment variables (PODIO_CLIENT_ID, PODIO_CLIENT_SECRET, … ;
`keyway component show podio` lists them). --credential names one, or several whose messages say which. Results come in the order in which they are done; --keep-order
keeps the input's. They are flushed as soon as nothing more is ready, so a parent process can use the pipe as request
and response, matched by `id`.

Exit codes: 0 all succeeded · 1 some message failed · 2 usage, component or credential is wrong · 3 sign-in needed ·
4 output cannot be written · 130 and 143 stopped by a signal after draining.

Examples:
  keyway run podio --simulator < components/podio/examples/messages.ndjson
  keyway run podio --input messages.ndjson --output results.ndjson --concurrency 32 --dead-letter failed.ndjson
  keyway run --credential acme --credential other < mixed.ndjson
  keyway run podio --input all.ndjson --output results.ndjson --checkpoint all.checkpoint --on-limit stop";

const REQUEST_HELP: &str = "\
Examples:
  keyway request podio GET /user --simulator
  keyway request podio POST /item/app/{app_id}/filter/ --param app_id=500600 --body '{\"limit\":2}' --simulator
  keyway request podero GET /org/{org_id}/users --simulator --json
  keyway request podio --action lookup_item --param item_id=800001 --simulator
  keyway request podio DELETE /item/{id} --param id=800001 --simulator --explain";

#[derive(Debug, ClapArgs)]
pub(crate) struct LogArgs {
    /// Say more on standard error: -v renewals and retries, -vv every step
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// The form of logs
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT")]
    pub(crate) log_format: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaName {
    Component,
    Credential,
    Client,
    Message,
    Outcome,
    Exchanges,
}

#[derive(Debug, Default, ClapArgs)]
pub(crate) struct ComponentSources {
    /// A folder with more components: component.json in it or one folder down, or *.json; repeatable
    #[arg(long, value_name = "DIR")]
    pub(crate) components: Vec<PathBuf>,
    /// Let a component of a folder take the place of another one of this name; repeatable
    #[arg(long = "override", value_name = "NAME")]
    pub(crate) overrides: Vec<String>,
}

/// What `run` and `request` share: which accounts, how to reach their servers.
#[derive(Debug, ClapArgs)]
pub(crate) struct HostArgs {
    #[command(flatten)]
    pub(crate) sources: ComponentSources,
    /// A credential: its name, the path of its file, or `env` for the component's environment variables; repeatable
    #[arg(long, value_name = "NAME", help_heading = "Account")]
    pub(crate) credential: Vec<String>,
    /// Admit every credential of the folder (of the component, if one is named): messages name theirs
    #[arg(long, conflicts_with = "credential", help_heading = "Account")]
    pub(crate) any_credential: bool,
    #[command(flatten)]
    pub(crate) account: AccountArgs,
    /// Use a simulated Podio and Podero with demo accounts: inside this process, or at the URL of `keyway simulator`
    #[arg(long, value_name = "URL", num_args = 0..=1, require_equals = true, default_missing_value = "", help_heading = "Account")]
    pub(crate) simulator: Option<String>,
    #[command(flatten)]
    pub(crate) retry: RetryArgs,
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
}

/// What is said about all accounts of a command.
#[derive(Debug, Default, ClapArgs)]
pub(crate) struct AccountArgs {
    /// The environment of accounts that name none
    #[arg(long, value_name = "NAME", help_heading = "Account")]
    pub(crate) environment: Option<String>,
    /// The grant by which the first token is got
    #[arg(long, value_name = "NAME", help_heading = "Account")]
    pub(crate) grant: Option<String>,
    /// Where tokens are kept: a folder, or `memory`. Encrypted files in the data folder by default
    #[arg(long, value_name = "DIR", help_heading = "Account")]
    pub(crate) token_store: Option<String>,
}

/// Retries, over what components and credentials say.
#[derive(Debug, Default, ClapArgs)]
pub(crate) struct RetryArgs {
    /// Retries after the first attempt; 0 means none
    #[arg(long, value_name = "N", help_heading = "Retry")]
    pub(crate) retry_count: Option<u32>,
    /// Milliseconds before a retry
    #[arg(long, value_name = "MS", help_heading = "Retry")]
    pub(crate) retry_delay_ms: Option<u64>,
    /// The longest single wait; a server that asks for more ends the message as rate_limited
    #[arg(long, value_name = "MS", help_heading = "Retry")]
    pub(crate) max_wait_ms: Option<u64>,
    /// Milliseconds after which no retry is started any more
    #[arg(long, value_name = "MS", help_heading = "Retry")]
    pub(crate) max_elapsed_ms: Option<u64>,
    /// What messages do when the API asks for a longer pause than --max-wait-ms
    #[arg(long, value_enum, default_value_t = OnLimitArg::Fail, value_name = "WHAT", help_heading = "Retry")]
    pub(crate) on_limit: OnLimitArg,
}

/// How servers are reached.
#[derive(Debug, ClapArgs)]
pub(crate) struct NetworkArgs {
    /// The longest that one attempt may take
    #[arg(long, value_name = "MS", default_value_t = 60_000, value_parser = clap::value_parser!(u64).range(1..), help_heading = "Network")]
    pub(crate) timeout_ms: u64,
    /// The longest that a connection may take
    #[arg(long, value_name = "MS", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..), help_heading = "Network")]
    pub(crate) connect_timeout_ms: u64,
    /// The longest that one token request may take
    #[arg(long, value_name = "MS", default_value_t = 30_000, value_parser = clap::value_parser!(u64).range(1..), help_heading = "Network")]
    pub(crate) token_timeout_ms: u64,
    /// The most bytes of an answer's body
    #[arg(long, value_name = "BYTES", default_value_t = 64 << 20, help_heading = "Network")]
    pub(crate) max_response_bytes: u64,
    /// A PEM file of certificates to trust beside the machine's own
    #[arg(long, value_name = "FILE", help_heading = "Network")]
    pub(crate) ca_file: Option<PathBuf>,
    /// A PEM file with the client's own certificate and its private key, for servers that ask for one
    #[arg(long, value_name = "FILE", help_heading = "Network")]
    pub(crate) client_cert: Option<PathBuf>,
    /// The proxy, or `none`. HTTPS_PROXY, HTTP_PROXY and NO_PROXY by default
    #[arg(long, value_name = "URL", help_heading = "Network")]
    pub(crate) proxy: Option<String>,
    /// Let this host be at a private address; repeatable
    #[arg(long, value_name = "HOST", help_heading = "Network")]
    pub(crate) allow_private_network: Vec<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnLimitArg {
    #[default]
    /// Fail as rate_limited, with the time to come back
    Fail,
    /// Wait, however long that takes
    Wait,
    /// Stop reading; with --checkpoint, the messages that met the limit are left for the next run
    Stop,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct RunArgs {
    /// A component's name, or the path of its file. May be left out where --credential names the accounts
    pub(crate) component: Option<String>,
    /// Read messages from a file instead of standard input
    #[arg(short, long, value_name = "FILE")]
    pub(crate) input: Option<PathBuf>,
    /// Write results to a file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Requests under way at once; with 1, messages are sent strictly one after another
    #[arg(short, long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub(crate) concurrency: u16,
    /// Write results in the order of the input
    #[arg(long)]
    pub(crate) keep_order: bool,
    /// Append each failed message to this file, ready to be run again
    #[arg(long, value_name = "FILE")]
    pub(crate) dead_letter: Option<PathBuf>,
    /// Note which lines have their results, so that the same command goes on where it was, however it ended
    #[arg(long, value_name = "FILE", requires = "input")]
    pub(crate) checkpoint: Option<PathBuf>,
    /// After SIGINT or SIGTERM, the longest that messages under way may take to come to their end
    #[arg(long, value_name = "MS", default_value_t = 30_000)]
    pub(crate) drain_timeout_ms: u64,
    /// The most bytes of a line
    #[arg(long, value_name = "BYTES", default_value_t = 16 << 20)]
    pub(crate) max_line_bytes: usize,
    /// The closing summary on standard error
    #[arg(long, value_enum, default_value_t = SummaryFormat::Text, value_name = "FORMAT")]
    pub(crate) summary: SummaryFormat,
    #[command(flatten)]
    pub(crate) host: HostArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SummaryFormat {
    Text,
    Json,
    None,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct RequestArgs {
    /// A component's name, or the path of its file
    pub(crate) component: String,
    /// The method
    #[arg(required_unless_present = "action")]
    pub(crate) method: Option<String>,
    /// The URL, appended to the component's base URL; {name} takes --param, then the account's variables
    #[arg(required_unless_present = "action")]
    pub(crate) url: Option<String>,
    /// An action of the component instead of METHOD and URL
    #[arg(long, value_name = "NAME", conflicts_with_all = ["method", "url"])]
    pub(crate) action: Option<String>,
    /// A value for {name} in the URL, or a parameter of the action: NAME=VALUE, VALUE as JSON where it is JSON
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) param: Vec<(String, String)>,
    /// A query parameter: NAME=VALUE
    #[arg(short, long, value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) query: Vec<(String, String)>,
    /// A header: NAME=VALUE
    #[arg(short = 'H', long, value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) header: Vec<(String, String)>,
    /// A JSON body: the text itself, @FILE, or - for standard input
    #[arg(short, long, value_name = "JSON")]
    pub(crate) body: Option<String>,
    /// A form field: NAME=VALUE
    #[arg(short, long, value_name = "NAME=VALUE", value_parser = pair, conflicts_with = "body")]
    pub(crate) form: Vec<(String, String)>,
    /// A body of bytes from a file: for actions that upload one, or with --header content-type=…
    #[arg(long, value_name = "FILE", conflicts_with_all = ["body", "form"])]
    pub(crate) file: Option<PathBuf>,
    /// A status of 400 or more that is no failure
    #[arg(long, value_name = "STATUS", value_parser = clap::value_parser!(u16).range(100..600))]
    pub(crate) accept: Vec<u16>,
    /// All pages of the action, one line of JSON a page or an item
    #[arg(long, value_name = "WHAT", requires = "action", conflicts_with_all = ["explain", "output"])]
    pub(crate) each: Option<EachArg>,
    /// The most pages or items
    #[arg(long, requires = "each", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: Option<u64>,
    /// Write the answer's body to a file, as the bytes that it is; a failed answer leaves the file alone
    #[arg(short, long, value_name = "FILE", conflicts_with_all = ["json", "explain"])]
    pub(crate) output: Option<PathBuf>,
    /// Print the whole result as one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Send nothing: show the request with its secrets masked, and what would be done if it failed
    #[arg(long, conflicts_with = "json")]
    pub(crate) explain: bool,
    #[command(flatten)]
    pub(crate) host: HostArgs,
}

/// What --each asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EachArg {
    Page,
    Item,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct SimulatorArgs {
    /// The first of three ports on 127.0.0.1; free ones for 0
    #[arg(long, default_value_t = 0)]
    pub(crate) port: u16,
    /// Seconds that Podio's access tokens live
    #[arg(long, value_name = "SECONDS")]
    pub(crate) podio_token_ttl: Option<u64>,
    /// Seconds that Podero's access tokens live
    #[arg(long, value_name = "SECONDS")]
    pub(crate) podero_token_ttl: Option<u64>,
    /// Let Podio rotate refresh tokens
    #[arg(long)]
    pub(crate) rotate_refresh_tokens: bool,
    /// Let Podio end all tokens of a grant when one of its used refresh tokens comes again
    #[arg(long, requires = "rotate_refresh_tokens")]
    pub(crate) refresh_reuse_revokes: bool,
    /// Which bodies Podero's token endpoint reads
    #[arg(long, value_enum, default_value_t = PoderoBodyArg::Json, value_name = "KIND")]
    pub(crate) podero_body: PoderoBodyArg,
    /// Podio calls in a window
    #[arg(long, value_name = "N")]
    pub(crate) podio_limit: Option<u32>,
    /// Seconds of Podio's rate window
    #[arg(long, value_name = "SECONDS")]
    pub(crate) podio_window: Option<u64>,
    /// Milliseconds that every token answer takes
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub(crate) token_delay_ms: u64,
    /// Milliseconds that every API answer takes
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub(crate) api_delay_ms: u64,
    /// Seconds by which the servers' clocks are off
    #[arg(long, value_name = "SECONDS", default_value_t = 0, allow_negative_numbers = true)]
    pub(crate) clock_skew: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PoderoBodyArg {
    /// JSON only, as Podero documents it
    Json,
    /// Forms only
    Form,
    /// Either
    Both,
    /// Forms only, 415 for anything else
    FormStrict,
}

pub(crate) fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    if name.is_empty() {
        Err("the name is empty; write NAME=VALUE".to_owned())
    } else {
        Ok((name.to_owned(), value.to_owned()))
    }
}

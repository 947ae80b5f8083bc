//! The words of `keyway component`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

use super::{ComponentSources, HostArgs};

#[derive(Debug, Subcommand)]
pub(crate) enum ComponentCommand {
    /// List all components
    List {
        #[command(flatten)]
        sources: ComponentSources,
    },
    /// Show what a component needs and can do
    Show {
        /// A component's name, or the path of its file
        component: String,
        /// As a page in Markdown
        #[arg(long)]
        markdown: bool,
        #[command(flatten)]
        sources: ComponentSources,
    },
    /// Check component files; every fault comes with line, pointer and hint
    Check {
        /// Files, or folders with a component.json
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        /// Check again whenever a file changes, until the command is stopped
        #[arg(long)]
        watch: bool,
    },
    /// Write a new component: its file, an example, and a first exchange to test it with
    New(Box<NewArgs>),
    /// Replay the recorded exchanges of components: offline, without a secret, with what differs
    Test {
        /// Component files, or folders with a component.json; exchanges lie beside it in exchanges/*.json
        #[arg(required = true)]
        paths: Vec<PathBuf>,
    },
    /// Send messages for real, and write what was sent and answered as an exchange file, without any secret
    #[command(after_long_help = RECORD_HELP)]
    Record(Box<RecordArgs>),
    /// Make a component of a description in another form; what cannot be carried over is listed
    #[command(subcommand)]
    Import(ImportCommand),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct NewArgs {
    /// Its name: lower case, digits, hyphens
    pub(crate) name: String,
    /// The API's name for people; made of the name by default
    #[arg(long)]
    pub(crate) title: Option<String>,
    /// The API's base URL; asked for if it is not given
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// How the first token is got; repeatable. By default `authorization_code` with --authorization-endpoint, else
    /// `client_credentials`
    #[arg(long, value_enum, value_name = "NAME")]
    pub(crate) grant: Vec<NewGrant>,
    /// The token endpoint; asked for if it is needed and not given
    #[arg(long, value_name = "URL")]
    pub(crate) token_endpoint: Option<String>,
    /// Where a person signs in, for `authorization_code`
    #[arg(long, value_name = "URL")]
    pub(crate) authorization_endpoint: Option<String>,
    /// Where a device asks for a code, for `device_code`
    #[arg(long, value_name = "URL")]
    pub(crate) device_authorization_endpoint: Option<String>,
    /// The issuer, where the server tells its endpoints itself (RFC 8414)
    #[arg(long, value_name = "URL", conflicts_with = "token_endpoint")]
    pub(crate) issuer: Option<String>,
    /// What shows that an account works, below the base URL
    #[arg(long, value_name = "PATH", default_value = "/", value_parser = path)]
    pub(crate) verify_url: String,
    /// How the client authenticates
    #[arg(long, value_name = "METHOD", default_value = "client_secret_basic", value_parser = ["client_secret_basic", "client_secret_basic_raw", "client_secret_post", "client_secret_as_user", "client_secret_jwt", "private_key_jwt", "tls_client_auth", "none"])]
    pub(crate) token_endpoint_auth_method: String,
    /// How the parameters of a token request travel
    #[arg(long, value_name = "ENCODING", default_value = "form", value_parser = ["form", "json", "query"])]
    pub(crate) encoding: String,
    /// A scope to ask for; repeatable
    #[arg(long)]
    pub(crate) scope: Vec<String>,
    /// The header that carries the token
    #[arg(long, value_name = "NAME", default_value = "Authorization")]
    pub(crate) header: String,
    /// What stands before the token in that header; empty for nothing
    #[arg(long, value_name = "WORD", default_value = "Bearer")]
    pub(crate) scheme: String,
    /// The folder in which a folder of that name is made
    #[arg(long, default_value = ".")]
    pub(crate) dir: PathBuf,
}

/// The grants that a component can begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum NewGrant {
    /// The client's own account
    ClientCredentials,
    /// A person signs in, in a browser
    AuthorizationCode,
    /// A user's name and password
    Password,
    /// A person signs in on another device
    DeviceCode,
    /// A refresh token that was got elsewhere; added to the grants that give one
    RefreshToken,
    /// A key, for which nothing is asked
    ApiKey,
    /// User name and password with every request
    Basic,
    /// A JWT that the client signs stands for a person or an account
    JwtBearer,
    /// A token of another server is exchanged
    TokenExchange,
    /// A JWT that the account signs is its token, for which nothing is asked
    SignedJwt,
}

fn path(text: &str) -> Result<String, String> {
    if text.starts_with('/') { Ok(text.to_owned()) } else { Err("begin it with `/`, such as `/me`".to_owned()) }
}

const RECORD_HELP: &str = "\
Tokens and secrets are written as names (`access_token-1`, `client_secret`). All else that the API answers is written as
it is: look the file through before you give it away, and name what is private with --mask.

Examples:
  keyway component record ./acme list-users --credential acme < messages.ndjson
  keyway component record components/podio user --simulator --input components/podio/examples/messages.ndjson --mask mail";

#[derive(Debug, ClapArgs)]
pub(crate) struct RecordArgs {
    /// The component's file, or the folder with its component.json
    pub(crate) path: PathBuf,
    /// The name of the exchange file: it becomes exchanges/NAME.json beside the component
    pub(crate) name: String,
    /// What it shows, in a sentence; made of the name by default
    #[arg(long)]
    pub(crate) title: Option<String>,
    /// Read messages from a file instead of standard input
    #[arg(short, long, value_name = "FILE")]
    pub(crate) input: Option<PathBuf>,
    /// Write `***` in the place of members of this name in answers; repeatable
    #[arg(long, value_name = "NAME")]
    pub(crate) mask: Vec<String>,
    #[command(flatten)]
    pub(crate) host: HostArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ImportCommand {
    /// OpenAPI 3.0 or 3.1, or Swagger 2.0, in JSON or YAML
    Openapi(ImportArgs),
    /// An elastic.io component's component.json
    Elasticio(ImportArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ImportArgs {
    /// The description
    pub(crate) file: PathBuf,
    /// The component's name; made of the title by default
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// The API's base URL, where the description names none or another one
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// The token endpoint, where the description does not say how a token is got
    #[arg(long, value_name = "URL")]
    pub(crate) token_endpoint: Option<String>,
    /// Where a person signs in, where the description does not say it
    #[arg(long, value_name = "URL", requires = "token_endpoint")]
    pub(crate) authorization_endpoint: Option<String>,
    /// Write the component to a file that is not there yet, instead of to standard output
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

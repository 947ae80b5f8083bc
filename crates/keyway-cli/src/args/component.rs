//! The words of `keyway component`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use super::ComponentSources;

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
    },
    /// Write a new component: its file, an example, and a first exchange to test it with
    New(NewArgs),
    /// Replay the recorded exchanges of components: offline, without a secret, with what differs
    Test {
        /// Component files, or folders with a component.json; exchanges lie beside it in exchanges/*.json
        #[arg(required = true)]
        paths: Vec<PathBuf>,
    },
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
    /// The token endpoint; asked for if it is not given
    #[arg(long, value_name = "URL")]
    pub(crate) token_endpoint: Option<String>,
    /// Where a person signs in: makes it an `authorization_code` component
    #[arg(long, value_name = "URL")]
    pub(crate) authorization_endpoint: Option<String>,
    /// How the client authenticates
    #[arg(long, value_name = "METHOD", default_value = "client_secret_basic", value_parser = ["client_secret_basic", "client_secret_basic_raw", "client_secret_post", "none"])]
    pub(crate) token_endpoint_auth_method: String,
    /// A scope to ask for; repeatable
    #[arg(long)]
    pub(crate) scope: Vec<String>,
    /// The folder in which a folder of that name is made
    #[arg(long, default_value = ".")]
    pub(crate) dir: PathBuf,
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
    /// Write the component to a file that is not there yet, instead of to standard output
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

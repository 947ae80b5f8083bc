//! `keyway component`: list, show, check, new, test, record, import.

mod check;
mod import;
mod new;
mod record;
mod show;
mod test;
mod yaml;

use std::process::ExitCode;

use keyway::{Host, Redactor};

use super::{block_on, print};
use crate::{
    args::{ComponentSources, component::ComponentCommand},
    connect::with_components,
    draw,
    exit::CliError,
};

pub(crate) fn run(command: ComponentCommand, redactor: &Redactor) -> Result<ExitCode, CliError> {
    match command {
        ComponentCommand::List { sources } => list(&sources),
        ComponentCommand::Show { component, markdown, sources } => show::run(&component, markdown, &sources),
        ComponentCommand::Check { paths, watch } => check::run(&paths, watch),
        ComponentCommand::New(args) => new::run(*args),
        ComponentCommand::Test { paths } => test::run(&paths, redactor),
        ComponentCommand::Record(args) => block_on(record::run(*args, redactor)),
        ComponentCommand::Import(command) => import::run(command),
    }
}

fn list(sources: &ComponentSources) -> Result<ExitCode, CliError> {
    let (builder, _) = with_components(Host::builder(), sources, None)?;
    let host = builder.build()?;
    let mut rows = vec![["NAME".to_owned(), "TITLE".to_owned(), "GRANTS".to_owned(), "FROM".to_owned()]];
    for name in host.component_names() {
        let loaded = host.component(name)?;
        let from = loaded.path().map_or_else(|| "built in".to_owned(), |path| path.display().to_string());
        let component = loaded.component();
        rows.push([name.to_owned(), component.title.clone(), component.grant_names().join(", "), from]);
    }
    print(draw::table(&rows).as_bytes())
}

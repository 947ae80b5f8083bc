//! `keyway component show`: what a component needs and can do, for a terminal or as a page.

mod actions;
mod facts;
mod markdown;

use std::{fmt::Write as _, process::ExitCode};

use keyway::{Component, Host};

use self::{
    actions::{ActionPage, action_pages},
    facts::{Section, sections},
};
use crate::{args::ComponentSources, commands::print, connect::with_components, exit::CliError};

pub(super) fn run(name: &str, markdown: bool, sources: &ComponentSources) -> Result<ExitCode, CliError> {
    let (builder, name) = with_components(Host::builder(), sources, Some(name))?;
    let host = builder.build()?;
    let loaded = host.component(&name.unwrap_or_default())?;
    let component = loaded.component();
    let page = if markdown { markdown::page(component) } else { text(component) };
    print(page.as_bytes())
}

fn text(component: &Component) -> String {
    let mut text = format!("{} ({}), version {}\n", component.title, component.name, component.version);
    for line in [&component.description, &component.documentation].into_iter().flatten() {
        let _ = writeln!(text, "{line}");
    }
    let steps = crate::accounts::setup_steps(component);
    if !steps.is_empty() {
        let _ = write!(text, "\n{steps}");
    }
    for Section { title, about, rows } in sections(component) {
        let about = about.map(|about| format!(" ({about})")).unwrap_or_default();
        let _ = writeln!(text, "\n{title}{about}");
        let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
        for (name, value) in rows {
            let _ = writeln!(text, "{}", format!("  {name:<width$}  {value}").trim_end());
        }
    }
    let pages = action_pages(component);
    if !pages.is_empty() {
        text.push_str("\nActions\n");
    }
    for ActionPage { name, request, about, params, notes } in pages {
        let _ = writeln!(text, "  {name}  {request}");
        let about = about.into_iter().chain(notes.iter().map(String::as_str));
        about.for_each(|line| _ = writeln!(text, "      {line}"));
        let width = params.iter().map(|param| param.name.chars().count()).max().unwrap_or_default();
        for param in params {
            let line = format!("      {:<width$}  {}  {}", param.name, param.kind(), param.about);
            let _ = writeln!(text, "{}", line.trim_end());
        }
    }
    text
}

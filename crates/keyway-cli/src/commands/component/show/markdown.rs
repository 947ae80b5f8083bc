//! A component as a page in Markdown.

use std::fmt::Write as _;

use keyway::Component;

use super::{ActionPage, Section, action_pages, sections};

/// The page. `docs/components` holds those of the components that Keyway ships.
pub(super) fn page(component: &Component) -> String {
    let mut text = format!("# {}\n", component.title);
    if let Some(description) = &component.description {
        let _ = write!(text, "\n{description}");
    }
    if let Some(documentation) = &component.documentation {
        let _ = write!(text, " Vendor documentation: <{documentation}>");
    }
    let _ = writeln!(text, "\n\nWritten by `keyway component show {} --markdown`.", component.name);
    if !component.setup.steps.is_empty() {
        text.push_str("\n## How to get a key\n\n");
        if let Some(url) = &component.setup.registration_url {
            let _ = writeln!(text, "At <{url}>:\n");
        }
        for (n, step) in component.setup.steps.iter().enumerate() {
            let _ = writeln!(text, "{}. {step}", n + 1);
        }
    }
    for Section { title, about, rows } in sections(component) {
        let _ = writeln!(text, "\n## {title}\n");
        about.iter().for_each(|about| _ = writeln!(text, "As {about}.\n"));
        text.push_str("| | |\n| --- | --- |\n");
        for (name, value) in rows {
            let _ = writeln!(text, "| {} | {} |", cell(&name), cell(&value));
        }
    }
    let pages = action_pages(component);
    if !pages.is_empty() {
        text.push_str("\n## Actions\n");
    }
    for ActionPage { name, request, about, params, notes } in pages {
        let _ = writeln!(text, "\n### {name}\n\n`{request}`");
        for line in about.into_iter().chain(notes.iter().map(String::as_str)) {
            let _ = writeln!(text, "\n{line}");
        }
        if !params.is_empty() {
            text.push_str("\n| parameter | | |\n| --- | --- | --- |\n");
        }
        for param in params {
            let _ = writeln!(text, "| `{}` | {} | {} |", param.name, cell(&param.kind()), cell(param.about));
        }
    }
    text
}

/// A text in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;").replace('\n', " ")
}

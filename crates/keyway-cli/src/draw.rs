//! Draws faults with their place in the file, and tables.

use std::fmt;

use keyway::{Fault, Faults, Severity};
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};

/// Longer lines are not drawn.
const WIDEST_LINE: usize = 2_000;

/// All faults of a file, each with the line it is about.
pub(crate) fn faults(faults: &Faults) -> String {
    let theme =
        if crate::output::stderr_colours() { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(100).with_context_lines(1);
    let source = NamedSource::new(&faults.file, faults.source.clone()).with_language("json");
    let mut drawn = String::new();
    for fault in &faults.faults {
        // The drawing has no room for lines that no person wrote.
        if is_too_wide(&faults.source, fault)
            || handler.render_report(&mut drawn, &Drawn { fault, source: &source }).is_err()
        {
            drawn.push_str(&format!("{}:{fault}\n", faults.file));
        }
    }
    let errors = faults.faults.iter().filter(|fault| fault.severity == Severity::Error).count();
    let warnings = faults.faults.len() - errors;
    drawn.push_str(&format!("{}: {}, {}\n", faults.file, counted(errors, "error"), counted(warnings, "warning")));
    drawn
}

/// Whether the line of a fault is longer than can be drawn: a whole file on one line, perhaps.
fn is_too_wide(source: &str, fault: &Fault) -> bool {
    let line = source.lines().nth(fault.line.saturating_sub(1)).unwrap_or_default();
    line.len() > WIDEST_LINE
}

/// Rows below each other, each column as wide as its widest cell.
pub(crate) fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |row: &[String; N]| {
        let cells: String = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}  ")).collect();
        format!("{}\n", cells.trim_end())
    };
    rows.iter().map(line).collect()
}

pub(crate) fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

#[derive(Debug)]
struct Drawn<'a> {
    fault: &'a Fault,
    source: &'a NamedSource<String>,
}

impl fmt::Display for Drawn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.fault.message)?;
        if self.fault.pointer.is_empty() { Ok(()) } else { write!(f, " (at {})", self.fault.pointer) }
    }
}

impl std::error::Error for Drawn<'_> {}

impl Diagnostic for Drawn<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.fault.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.fault.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.fault.hint.as_ref().map(|hint| Box::new(hint) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        // A fault about a whole object is drawn at its first line: the rest would be the whole file.
        let span = self.fault.span.clone();
        let text = self.source.inner().get(span.clone()).unwrap_or_default();
        let length = text.lines().next().map_or(0, str::len);
        Some(Box::new(std::iter::once(LabeledSpan::new(None, span.start, length))))
    }
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["NAME", "GRANT", "FROM"], ["é", "app", ""], ["podio", "password", "built in"]];
        let drawn = table(&rows.map(|row| row.map(str::to_owned)));
        assert_eq!(drawn, "NAME   GRANT     FROM\né      app\npodio  password  built in\n");
    }
}

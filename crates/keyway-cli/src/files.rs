//! Files that people name on the command line.

use std::path::{Path, PathBuf};

use crate::exit::CliError;

/// A text file as a whole.
pub(crate) fn read_text(path: &Path) -> Result<String, CliError> {
    std::fs::read_to_string(path).map_err(|why| CliError::Input { what: format!("`{}`", path.display()), why })
}

/// A component's file, or those of a folder.
pub(crate) fn component_files(path: &Path) -> Result<Vec<PathBuf>, CliError> {
    Ok(if path.is_dir() { keyway::component_files(path)? } else { vec![path.to_owned()] })
}

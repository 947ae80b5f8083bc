//! Files that people name on the command line.

use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
};

use crate::exit::CliError;

/// A text file as a whole.
pub(crate) fn read_text(path: &Path) -> Result<String, CliError> {
    std::fs::read_to_string(path).map_err(|why| CliError::Input { what: format!("`{}`", path.display()), why })
}

/// A text file as a whole, or standard input.
pub(crate) fn read_input(path: Option<&Path>) -> Result<String, CliError> {
    match path {
        Some(path) => read_text(path),
        None => std::io::read_to_string(std::io::stdin())
            .map_err(|why| CliError::Input { what: "standard input".to_owned(), why }),
    }
}

/// Any file as a whole.
pub(crate) fn read_bytes(path: &Path) -> Result<Vec<u8>, CliError> {
    std::fs::read(path).map_err(|why| CliError::Input { what: format!("`{}`", path.display()), why })
}

/// A component's file, or those of a folder.
pub(crate) fn component_files(path: &Path) -> Result<Vec<PathBuf>, CliError> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let files = keyway::component_files(path)?;
    if files.is_empty() {
        let path = path.display().to_string();
        return Err(keyway::CatalogError::Empty { path }.into());
    }
    Ok(files)
}

/// Writes a new file, and the folder that it is in. One that is there is somebody's work.
pub(crate) fn create(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    let failed = |why| CliError::Output { what: format!("`{}`", path.display()), why };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut file = match File::options().write(true).create_new(true).open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let path = path.display();
            return Err(CliError::Usage(format!("`{path}` is there already; give another name, or remove it")));
        }
        opened => opened.map_err(failed)?,
    };
    file.write_all(bytes).map_err(failed)
}

/// Puts bytes where a file is or is not. Whoever looks sees the old file or the whole new one.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    // As any other file that the person makes: the usual temporary one is for its owner alone.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let written = builder.prefix(".keyway-").tempfile_in(folder).and_then(|mut file| {
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path).map(|_| ()).map_err(|failed| failed.error)
    });
    written.map_err(|why| CliError::Output { what: format!("`{}`", path.display()), why })
}

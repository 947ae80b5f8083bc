//! `keyway component check`: every fault, once or whenever a file changes.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
    thread,
    time::{Duration, SystemTime},
};

use crate::{
    commands::print,
    draw,
    exit::{CliError, SUCCESS, USAGE},
    files::{component_files, read_text},
};

/// How often files are looked at. Asking the file system works on every kind of one, network shares included.
const LOOK_EVERY: Duration = Duration::from_millis(200);

pub(super) fn run(paths: &[PathBuf], watch: bool) -> Result<ExitCode, CliError> {
    if watch {
        return watch_all(paths);
    }
    Ok(ExitCode::from(if check_all(paths)? { SUCCESS } else { USAGE }))
}

/// Checks all files again whenever one of them changes, comes or goes. Only a signal ends it.
fn watch_all(paths: &[PathBuf]) -> Result<ExitCode, CliError> {
    let mut seen = None;
    loop {
        let now = states(paths);
        if seen.as_ref() != Some(&now) {
            seen = Some(now);
            // What cannot be read now may be there in a moment.
            if let Err(error) = check_all(paths) {
                say(&format!("error: {error}\n"));
            }
            say("-- watching for changes; Ctrl+C ends it\n");
        }
        thread::sleep(LOOK_EVERY);
    }
}

/// What tells that a file is another one than before.
type State = (PathBuf, Option<(SystemTime, u64)>);

fn states(paths: &[PathBuf]) -> Vec<State> {
    let files = paths.iter().flat_map(|path| component_files(path).unwrap_or_default());
    let state = |file: PathBuf| {
        let metadata = fs::metadata(&file).ok();
        let state = metadata.and_then(|metadata| Some((metadata.modified().ok()?, metadata.len())));
        (file, state)
    };
    files.map(state).collect()
}

fn check_all(paths: &[PathBuf]) -> Result<bool, CliError> {
    let mut sound = true;
    for path in paths {
        for file in component_files(path)? {
            // A file that cannot be read must not keep the others from being checked.
            match check_file(&file) {
                Err(CliError::Input { what, why }) => {
                    say(&format!("error: {what} cannot be read: {why}\n"));
                    sound = false;
                }
                checked => sound &= checked?,
            }
        }
    }
    Ok(sound)
}

/// Checks one file and says what was found. Returns whether it can be used.
fn check_file(file: &Path) -> Result<bool, CliError> {
    let name = file.display().to_string();
    let text = read_text(file)?;
    match keyway::check_component(&name, &text) {
        Ok(checked) => {
            if !checked.warnings.faults.is_empty() {
                say(&draw::faults(&checked.warnings));
            }
            print(format!("{name}: `{}` is sound\n", checked.value.name).as_bytes())?;
            Ok(true)
        }
        Err(faults) => {
            say(&draw::faults(&faults));
            Ok(false)
        }
    }
}

fn say(text: &str) {
    // Nobody is left to tell when standard error is closed.
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

//! `keyway component test`: recorded exchanges, replayed.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use keyway::{
    Redactor,
    replay::{ExchangeFile, replay},
};

use crate::{
    commands::{block_on, print},
    exit::{CliError, FAILED, SUCCESS},
    files::{component_files, read_text},
};

pub(super) fn run(paths: &[PathBuf], redactor: &Redactor) -> Result<ExitCode, CliError> {
    block_on(test_all(paths, redactor))
}

async fn test_all(paths: &[PathBuf], redactor: &Redactor) -> Result<ExitCode, CliError> {
    let (mut sound, mut unusable) = (true, None::<CliError>);
    for path in paths {
        for file in component_files(path)? {
            match test(&file).await {
                Ok(passed) => sound &= passed,
                // The others are tested all the same.
                Err(error) => {
                    if let Some(earlier) = unusable.replace(error) {
                        earlier.tell(redactor);
                    }
                }
            }
        }
    }
    match unusable {
        Some(error) => Err(error),
        None => Ok(ExitCode::from(if sound { SUCCESS } else { FAILED })),
    }
}

/// Replays all exchanges of one component. Returns whether nothing differs.
async fn test(component_file: &Path) -> Result<bool, CliError> {
    let name = component_file.display().to_string();
    let text = read_text(component_file)?;
    let component = keyway::check_component(&name, &text).map_err(|faults| CliError::Faults(Box::new(faults)))?.value;
    let exchanges = exchanges_of(component_file)?;
    let mut sound = true;
    for path in exchanges {
        let shown = path.display();
        let file: ExchangeFile = serde_json::from_str(&read_text(&path)?).map_err(|error| {
            CliError::Usage(format!("`{shown}` holds no exchanges: {error}; `keyway component new` writes an example"))
        })?;
        let differences = replay(component_file, &component, &file)
            .await
            .map_err(|error| CliError::Usage(format!("`{shown}`: {error}")))?;
        let mut said = format!(
            "{} {shown}: {}\n",
            if differences.is_empty() { "ok  " } else { "FAIL" },
            keyway::printable(&file.title, 100)
        );
        for difference in &differences {
            let _ = writeln!(said, "       {difference}");
        }
        sound &= differences.is_empty();
        print(said.as_bytes())?;
    }
    Ok(sound)
}

/// The files beside a component's, in the order of their names.
fn exchanges_of(component_file: &Path) -> Result<Vec<PathBuf>, CliError> {
    let folder = component_file.parent().unwrap_or(Path::new(".")).join("exchanges");
    let what = || format!("`{}`", folder.display());
    let entries = std::fs::read_dir(&folder).map_err(|why| CliError::Input { what: what(), why })?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(|why| CliError::Input { what: what(), why })?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(CliError::Usage(format!(
            "there are no exchanges in {}; `keyway component new` writes an example",
            what()
        )));
    }
    Ok(files)
}

//! The components that a host knows: built in, from folders, from files.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use keyway_component::{Faults, check_component, nearest};
use serde_json::Value;

use crate::loaded::LoadedComponent;

/// A component that cannot be loaded.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogError {
    /// A file or folder cannot be read.
    #[error("`{path}` cannot be read: {why}; check the path")]
    Unreadable {
        /// Its path.
        path: String,
        /// What the system said.
        why: String,
    },
    /// The file has faults.
    #[error("{0}")]
    Faults(Box<Faults>),
    /// Its name is taken.
    #[error("`{path}` is named `{name}` like {other}; rename it, or say `--override {name}`")]
    Shadows {
        /// The file.
        path: String,
        /// The name.
        name: String,
        /// What has the name already.
        other: String,
    },
    /// The folder has none.
    #[error("`{path}` has no component: neither `component.json`, nor `*/component.json`, nor `*.json`")]
    Empty {
        /// The folder.
        path: String,
    },
    /// There is none of that name.
    #[error("there is no component `{name}`{hint}; `keyway component list` shows those that there are")]
    Unknown {
        /// The name.
        name: String,
        /// A name that was perhaps meant.
        hint: String,
    },
}

/// All components of a host. Built-in ones are read when first asked for.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    built_in: BTreeMap<&'static str, BuiltIn>,
    loaded: BTreeMap<String, Arc<LoadedComponent>>,
    /// Files of folders that cannot be used, by the name that they give themselves. One that is being written must not keep
    /// the others from their work.
    faulty: BTreeMap<String, CatalogError>,
}

/// A built-in component's text, and what it was read as.
#[derive(Debug)]
struct BuiltIn {
    text: &'static str,
    read: OnceLock<Option<Arc<LoadedComponent>>>,
}

// === impl Catalog ===

impl Catalog {
    pub(crate) fn with_built_in() -> Self {
        let built_in = keyway_components::BUILT_IN
            .iter()
            .map(|(name, text)| (*name, BuiltIn { text, read: OnceLock::new() }))
            .collect();
        Self { built_in, loaded: BTreeMap::new(), faulty: BTreeMap::new() }
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> =
            self.built_in.keys().copied().chain(self.loaded.keys().map(String::as_str)).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    pub(crate) fn get(&self, name: &str) -> Result<Arc<LoadedComponent>, CatalogError> {
        if let Some(loaded) = self.loaded.get(name) {
            return Ok(Arc::clone(loaded));
        }
        if let Some(error) = self.faulty.get(name) {
            return Err(error.clone());
        }
        // Built-in components load by serde alone; a test holds them against schema and lint.
        let read = |text: &str| {
            serde_json::from_str(text).ok().map(|component| Arc::new(LoadedComponent::new(component, None, None)))
        };
        let built_in =
            self.built_in.get(name).and_then(|built_in| built_in.read.get_or_init(|| read(built_in.text)).clone());
        built_in.ok_or_else(|| {
            let hint =
                nearest(name, self.names()).map(|meant| format!(", did you mean `{meant}`?")).unwrap_or_default();
            CatalogError::Unknown { name: keyway_component::printable(name, 80), hint }
        })
    }

    /// Adds every component of a folder: `component.json` in it or one folder down, or `*.json`.
    pub(crate) fn add_folder(&mut self, folder: &Path, overrides: &[String]) -> Result<(), CatalogError> {
        let files = component_files(folder)?;
        if files.is_empty() {
            return Err(CatalogError::Empty { path: folder.display().to_string() });
        }
        for file in &files {
            match self.add_file(file, overrides) {
                Ok(_) => {}
                Err(error @ CatalogError::Faults(_)) => self.put_aside(file, error),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Keeps a faulty file for who asks for it.
    fn put_aside(&mut self, file: &Path, error: CatalogError) {
        let document = std::fs::read(file).ok().and_then(|text| serde_json::from_slice::<Value>(&text).ok());
        let own = document.as_ref().and_then(|document| document.get("name")?.as_str());
        // What is no JSON is called as its file, or its folder.
        let stem = match file.file_stem().and_then(OsStr::to_str) {
            Some("component") => file.parent().and_then(Path::file_name).and_then(OsStr::to_str),
            stem => stem,
        };
        let name = own.or(stem).unwrap_or_default().to_owned();
        tracing::warn!(
            event = "component_faulty", component = %keyway_component::printable(&name, 80), file = %file.display(),
            "it is left out; `keyway component check` says what is wrong with it"
        );
        self.faulty.insert(name, error);
    }

    /// Adds the component of a file. Returns its name.
    pub(crate) fn add_file(&mut self, file: &Path, overrides: &[String]) -> Result<String, CatalogError> {
        let path = file.display().to_string();
        let text = std::fs::read_to_string(file).map_err(|error| unreadable(file, &error))?;
        let checked = check_component(&path, &text).map_err(|faults| CatalogError::Faults(Box::new(faults)))?;
        let name = checked.value.name.clone();
        let other = match self.loaded.get(&name).and_then(|loaded| loaded.path()) {
            Some(other) if other == file => return Ok(name),
            Some(other) => Some(format!("`{}`", other.display())),
            None => self.built_in.contains_key(name.as_str()).then(|| "a built-in component".to_owned()),
        };
        if let Some(other) = other.filter(|_| !overrides.contains(&name)) {
            return Err(CatalogError::Shadows { path, name, other });
        }
        let loaded = LoadedComponent::new(checked.value, Some(file.to_owned()), Some(checked.warnings));
        self.loaded.insert(name.clone(), Arc::new(loaded));
        Ok(name)
    }
}

/// The component files of a folder, in the order of their names: `component.json`, or `*/component.json` and `*.json`.
///
/// # Errors
/// The folder cannot be read.
pub fn component_files(folder: &Path) -> Result<Vec<PathBuf>, CatalogError> {
    let own = folder.join("component.json");
    if own.is_file() {
        return Ok(vec![own]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| unreadable(folder, &error))? {
        let path = entry.map_err(|error| unreadable(folder, &error))?.path();
        let inner = path.join("component.json");
        if inner.is_file() {
            files.push(inner);
        } else if path.is_file() && path.extension().is_some_and(|extension| extension == "json") && is_meant(&path) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Whether a JSON file that lies about is meant as a component: not a credential, a schema or a package's file. One that
/// is no JSON may be a component with a fault, and is told as such.
fn is_meant(path: &Path) -> bool {
    let document = std::fs::read(path).ok().and_then(|text| serde_json::from_slice::<Value>(&text).ok());
    document.is_none_or(|document| document.get("keyway").is_some() && document.get("component").is_none())
}

fn unreadable(path: &Path, error: &std::io::Error) -> CatalogError {
    CatalogError::Unreadable { path: path.display().to_string(), why: error.to_string() }
}

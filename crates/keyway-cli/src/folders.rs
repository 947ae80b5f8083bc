//! Where credentials and clients are looked for and tokens are kept when nothing else is said.

use std::path::PathBuf;

/// `$KEYWAY_HOME/tokens`, else `keyway/tokens` in the data folder of the XDG base directories.
pub(crate) fn tokens() -> Option<PathBuf> {
    home("XDG_DATA_HOME", ".local/share").map(|folder| folder.join("tokens"))
}

/// `$KEYWAY_HOME/credentials`, else `keyway/credentials` in the configuration folder of the XDG base directories.
pub(crate) fn credentials() -> Option<PathBuf> {
    home("XDG_CONFIG_HOME", ".config").map(|folder| folder.join("credentials"))
}

/// `$KEYWAY_HOME/clients`, else `keyway/clients` in the configuration folder of the XDG base directories.
pub(crate) fn clients() -> Option<PathBuf> {
    home("XDG_CONFIG_HOME", ".config").map(|folder| folder.join("clients"))
}

fn home(xdg: &str, below_home: &str) -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let by_xdg = || {
        let folder = variable(xdg).filter(|path| path.is_absolute());
        folder.or_else(|| variable("HOME").map(|home| home.join(below_home))).map(|folder| folder.join("keyway"))
    };
    variable("KEYWAY_HOME").or_else(by_xdg)
}

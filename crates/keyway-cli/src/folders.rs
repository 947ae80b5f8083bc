//! Where tokens are kept when nothing else is said.

use std::path::PathBuf;

/// `$KEYWAY_HOME/tokens`, else `keyway/tokens` in the data folder of the XDG base directories.
pub(crate) fn tokens() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || {
        let data = variable("XDG_DATA_HOME").filter(|path| path.is_absolute());
        data.or_else(|| variable("HOME").map(|home| home.join(".local/share"))).map(|data| data.join("keyway"))
    };
    variable("KEYWAY_HOME").or_else(home).map(|folder| folder.join("tokens"))
}

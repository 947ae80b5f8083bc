//! Permissions and disks as the tests need them.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use super::Keyway;

pub fn set_mode(path: impl AsRef<Path>, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("the owner may change it");
}

/// The bits that say who may do what.
pub fn mode(path: impl AsRef<Path>) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

/// A run that can write no byte into any file, as on a full disk: what it prints goes into pipes.
pub fn on_a_full_disk(keyway: Keyway) -> Keyway {
    keyway.through(["sh", "-c", "trap '' XFSZ; ulimit -f 0; exec \"$@\"", "sh"])
}

/// A run that permissions bind, also where the tests run as root.
pub fn bound_by_permissions(keyway: Keyway) -> Keyway {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    set_mode(file.path(), 0o000);
    if fs::read(file.path()).is_err() {
        return keyway;
    }
    keyway.through(["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all", "--"])
}

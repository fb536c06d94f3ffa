//! The vault's key file: 32 bytes that open what the anonymizer's mode `vault` has sealed.
//!
//! **Invariant:** a key that others may read is refused, none is ever overwritten, and no message repeats one.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use kolm_core::{Code, Coded, Exit, Namespace, hex};
use kolm_policies::anonymize::Policy;
use kolm_policies::anonymize::vault::{Key, NamespaceKey};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::RawConfig;
use crate::keys::unhex;
use crate::problem::{NO_VAULT_KEY, VAULT_KEY_EXISTS};
use crate::table::{Checker, Place, Table, string};

/// What a key file begins with; the key's id and its digits follow.
const HEAD: &str = "kolm-vault-key/1";

/// Why there is no key.
#[derive(Debug, Error)]
pub enum BadVaultKey {
    /// The file cannot be read or written.
    #[error("the vault's key `{}` cannot be {what}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was attempted.
        what: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// The file is not to be used.
    #[error("the vault's key `{}` {why}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why not.
        why: &'static str,
    },
    /// There is a file where a key was to be made.
    #[error("`{}` exists already", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
}

impl Coded for BadVaultKey {
    fn code(&self) -> Code {
        match self {
            Self::Io { .. } | Self::Unusable { .. } => NO_VAULT_KEY,
            Self::Exists { .. } => VAULT_KEY_EXISTS,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Io { .. } | Self::Unusable { .. } => {
                "`kolm vault key --out FILE` makes one; without the old one nothing opens what it sealed"
                    .to_owned()
            }
            Self::Exists { .. } => "choose another name: a key is never overwritten".to_owned(),
        })
    }

    fn exit(&self) -> Exit {
        Exit::Usage
    }
}

/// Reads a key file.
pub fn load(path: &Path) -> Result<Key, BadVaultKey> {
    let bad = |why| BadVaultKey::Unusable { path: path.to_owned(), why };
    let unread = |source| BadVaultKey::Io { path: path.to_owned(), what: "read", source };
    let file = File::open(path).map_err(unread)?;
    let meta = file.metadata().map_err(unread)?;
    if !meta.is_file() || meta.len() > 4096 {
        return Err(bad("is no key file"));
    }
    if meta.mode() & 0o077 != 0 {
        return Err(bad("may be read by others (its mode must be 0600)"));
    }
    let mut text = Zeroizing::new(String::new());
    file.take(4096).read_to_string(&mut text).map_err(unread)?;
    let words: Vec<&str> = text.split_whitespace().collect();
    let [HEAD, id, digits] = words[..] else { return Err(bad("is no key file")) };
    let key = unhex(digits).ok_or_else(|| bad("holds no key of 32 bytes"))?;
    Some(Key::new(Zeroizing::new(key))).filter(|key| key.id() == id).ok_or_else(|| bad("is damaged"))
}

/// Makes a key file of 32 random bytes, readable by its owner alone.
pub fn create(path: &Path, bytes: Zeroizing<[u8; 32]>) -> Result<Key, BadVaultKey> {
    let digits = Zeroizing::new(hex(&bytes[..]));
    let key = Key::new(bytes);
    let line = Zeroizing::new(format!("{HEAD} {} {}\n", key.id(), digits.as_str()));
    let failed = |source: io::Error| {
        let path = path.to_owned();
        if source.kind() == io::ErrorKind::AlreadyExists {
            BadVaultKey::Exists { path }
        } else {
            BadVaultKey::Io { path, what: "written", source }
        }
    };
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    file.write_all(line.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    Ok(key)
}

/// Where a file says that the key lies, whatever else is wrong with it: commands open with the key alone.
pub fn key_file(raw: &RawConfig) -> Option<PathBuf> {
    let table = raw.text().parse::<toml::Table>().ok()?;
    Some(raw.resolve(table.get("vault")?.get("key_file")?.as_str()?))
}

/// What `[vault]` says.
pub(crate) enum Vault {
    /// Nothing.
    Absent,
    /// A key that cannot be used, which has been noted.
    Bad,
    /// The key.
    Key(Key),
}

impl Vault {
    pub(crate) fn read(check: &mut Checker<'_>, mut table: Table<'_>) -> Self {
        let place = table.at("key_file");
        let file = table.optional(check, "key_file", string);
        table.finish(check);
        let Some(file) = file else { return Self::Absent };
        match load(&check.resolve(&file)) {
            Ok(key) => {
                check.amounts_to(&place, &key.id());
                Self::Key(key)
            }
            Err(error) => {
                check.add_with_hint(NO_VAULT_KEY, &place, error.to_string(), error.hint().as_deref());
                Self::Bad
            }
        }
    }

    /// Notes a policy that needs a key where there is none.
    pub(crate) fn serves(&self, check: &mut Checker<'_>, policy: &Policy, place: &Place) {
        if policy.has_vault() && matches!(self, Self::Absent) {
            let message = "a type of this policy is in mode `vault`, and there is no vault.key_file";
            let hint = "make a key with `kolm vault key --out FILE` and name it under [vault]";
            check.add_with_hint(NO_VAULT_KEY, place, message, Some(hint));
        }
    }

    /// The key of a namespace whose policy needs one.
    pub(crate) fn key_of(&self, name: &Namespace, policy: &Policy) -> Option<NamespaceKey> {
        match self {
            Self::Key(key) if policy.has_vault() => Some(key.of(name)),
            Self::Key(_) | Self::Absent | Self::Bad => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::{Config, Outside, Problems};

    fn folder() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let policy = "schema = 1\nname = \"p\"\nextends = \"default\"\ntypes = { NAME = \"vault\" }\n";
        std::fs::write(dir.path().join("p.toml"), policy).unwrap();
        dir
    }

    fn check(dir: &Path, text: &str) -> Result<Config, Problems> {
        RawConfig::at(&dir.join("gateway.toml"), text).check(&Outside::bare(dir))
    }

    const WITH_KEY: &str =
        "[vault]\nkey_file = \"v.key\"\n[namespaces.a]\npolicy = { file = \"p.toml\" }\n[namespaces.b]\n";

    #[test]
    fn a_key_is_read_as_it_was_made_and_never_overwritten() {
        let dir = folder();
        let path = dir.path().join("v.key");
        let made = create(&path, Zeroizing::new([0xa5; 32])).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(load(&path).unwrap(), made);
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, format!("kolm-vault-key/1 {} {}\n", made.id(), "a5".repeat(32)));
        let again = create(&path, Zeroizing::new([1; 32])).unwrap_err();
        assert_eq!((again.code(), again.exit()), (Code(123), Exit::Usage));
        assert_eq!(load(&path).unwrap(), made);
    }

    #[test]
    fn a_key_that_is_no_sound_key_of_the_owner_is_refused_and_not_repeated() {
        let dir = folder();
        let path = dir.path().join("v.key");
        let id = create(&path, Zeroizing::new([0xa5; 32])).unwrap().id();
        let digits = "a5".repeat(32);
        for (text, mode, want) in [
            (format!("kolm-vault-key/1 {id} {digits}"), 0o640, "may be read by others"),
            (format!("kolm-vault-key/1 {id} {digits}"), 0o604, "may be read by others"),
            (format!("kolm-vault-key/1 {id} {}", &digits[2..]), 0o600, "no key of 32 bytes"),
            (format!("kolm-vault-key/1 00000000 {digits}"), 0o600, "is damaged"),
            (format!("kolm-chain-key/1 0 {digits}"), 0o600, "is no key file"),
            (digits.clone(), 0o600, "is no key file"),
            (" ".repeat(5000), 0o600, "is no key file"),
        ] {
            std::fs::write(&path, &text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let said = check(dir.path(), WITH_KEY).unwrap_err();
            let [problem] = &said.list[..] else { panic!("{said}") };
            assert_eq!((problem.code, problem.path.as_str(), problem.line), (Code(122), "vault.key_file", 2));
            assert!(said.report().contains(want) && !said.report().contains("a5a5"), "{}", said.report());
            assert!(problem.hint.is_some());
        }
        std::fs::remove_file(&path).unwrap();
        let said = check(dir.path(), WITH_KEY).unwrap_err().report();
        assert!(said.contains("cannot be read: No such file"), "{said}");
    }

    #[test]
    fn a_policy_with_a_vault_needs_a_key_and_gets_its_namespaces_own() {
        let dir = folder();
        let said = check(dir.path(), "[namespaces.a]\npolicy = { file = \"p.toml\" }\n").unwrap_err();
        let [problem] = &said.list[..] else { panic!("{said}") };
        assert_eq!(
            (problem.code, problem.path.as_str(), problem.line),
            (Code(122), "namespaces.a.policy", 2)
        );
        let key = create(&dir.path().join("v.key"), Zeroizing::new([7; 32])).unwrap();
        let config = check(dir.path(), WITH_KEY).unwrap();
        let name = |name: &str| name.parse::<Namespace>().unwrap();
        assert!(config.namespaces[&name("a")].vault == Some(key.of(&name("a"))));
        assert!(config.namespaces[&name("b")].vault.is_none(), "its policy has no vault");
        assert!(!format!("{config:?}").contains(&hex(&[7; 32])));
        let raw = RawConfig::at(&dir.path().join("gateway.toml"), WITH_KEY);
        assert_eq!(key_file(&raw), Some(dir.path().join("v.key")));
        assert_eq!(key_file(&RawConfig::embedded()), None);
    }

    #[test]
    fn another_key_in_the_same_file_is_a_change() {
        let dir = folder();
        let settings = |byte| {
            drop(std::fs::remove_file(dir.path().join("v.key")));
            create(&dir.path().join("v.key"), Zeroizing::new([byte; 32])).unwrap();
            let raw = RawConfig::at(&dir.path().join("gateway.toml"), WITH_KEY);
            raw.settings(&Outside::bare(dir.path())).unwrap()
        };
        let changes = settings(1).diff(&settings(2));
        let [change] = &changes[..] else { panic!("{changes:?}") };
        assert_eq!((change.path.as_str(), change.content), ("vault.key_file", true));
        assert!(settings(1).diff(&settings(1)).is_empty());
    }
}

//! Keys: one Ed25519 key per role, the header key and the chain key, each in a file only its owner may read.
//!
//! **Invariant:** no secret byte appears in `Debug`, in an error or in a message; secrets are wiped on drop.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer;
use hmac::{Hmac, Mac};
use kolm_core::{Env, hex};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use crate::Error;
use crate::merkle::Hash;

/// What an Ed25519 key is for; a key serves one role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Checkpoints of the log.
    Log,
    /// Decisions.
    Decision,
    /// Manifests of artifacts.
    Artifact,
    /// Audit binders.
    Binder,
}

impl Role {
    /// The name in file names and key names.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Decision => "decision",
            Self::Artifact => "artifact",
            Self::Binder => "binder",
        }
    }
}

/// A private Ed25519 key with its name.
pub struct SigningKey {
    name: String,
    key: ed25519_dalek::SigningKey,
}

impl SigningKey {
    /// The key of a 32-byte seed. `name` must be free of spaces and `+`.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, Error> {
        check_name(name)?;
        Ok(Self { name: name.to_owned(), key: ed25519_dalek::SigningKey::from_bytes(seed) })
    }

    /// The name the key signs under.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The public half.
    pub fn verifying(&self) -> VerifyingKey {
        VerifyingKey { name: self.name.clone(), key: self.key.verifying_key() }
    }

    /// The public half as text (C2SP signed-note verifier key).
    pub fn vkey(&self) -> String {
        self.verifying().to_string()
    }

    /// The signature over `message`.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message).to_bytes()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.vkey())
    }
}

/// A public Ed25519 key with its name.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifyingKey {
    name: String,
    key: ed25519_dalek::VerifyingKey,
}

impl VerifyingKey {
    /// Reads `name+keyid+base64`; the key id must be the right one.
    pub fn parse(vkey: &str) -> Result<Self, Error> {
        let mut parts = vkey.trim().splitn(3, '+');
        let (Some(name), Some(id), Some(body)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(Error::VerifierKey("it has not three parts joined by `+`"));
        };
        check_name(name)?;
        let body = STANDARD.decode(body).map_err(|_| Error::VerifierKey("its last part is not base64"))?;
        let Some((&[ED25519], bytes)) = body.split_first_chunk::<1>() else {
            return Err(Error::VerifierKey("its algorithm is not Ed25519"));
        };
        let bytes: &[u8; 32] = bytes.try_into().map_err(|_| Error::VerifierKey("its length is wrong"))?;
        let key = ed25519_dalek::VerifyingKey::from_bytes(bytes)
            .map_err(|_| Error::VerifierKey("it is no point of the curve"))?;
        let parsed = Self { name: name.to_owned(), key };
        if hex(&parsed.key_id()) == id { Ok(parsed) } else { Err(Error::VerifierKey("its key id is wrong")) }
    }

    /// The name the key signs under.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The 32 bytes of the public key.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// The first four bytes of SHA-256 over name, newline, algorithm and key (C2SP signed-note).
    pub fn key_id(&self) -> [u8; 4] {
        let digest = Sha256::new()
            .chain_update(&self.name)
            .chain_update([b'\n', ED25519])
            .chain_update(self.as_bytes())
            .finalize();
        [digest[0], digest[1], digest[2], digest[3]]
    }

    /// Whether `signature` is this key's over `message` (strict: no malleable forms).
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        ed25519_dalek::Signature::from_slice(signature)
            .is_ok_and(|signature| self.key.verify_strict(message, &signature).is_ok())
    }
}

impl fmt::Display for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut body = vec![ED25519];
        body.extend_from_slice(self.as_bytes());
        write!(f, "{}+{}+{}", self.name, hex(&self.key_id()), STANDARD.encode(body))
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({self})")
    }
}

const ED25519: u8 = 0x01;

fn check_name(name: &str) -> Result<(), Error> {
    let bad = |c: char| c == '+' || c.is_whitespace() || c.is_control();
    if name.is_empty() || name.contains(bad) {
        return Err(Error::VerifierKey("its name is empty or holds `+` or space"));
    }
    Ok(())
}

/// The key of a role in `dir/<role>.key`, made there when the file does not exist.
pub fn load_or_create(dir: &Path, role: Role, env: &Env) -> Result<SigningKey, Error> {
    let path = dir.join(format!("{}.key", role.as_str()));
    if !path.exists() {
        let seed = Zeroizing::new(env.bytes32());
        create(&path, ED25519_HEAD, &format!("kolm/{}", role.as_str()), &seed)?;
    }
    load(dir, role)
}

/// The key of a role in `dir/<role>.key`; an error when there is none.
pub fn load(dir: &Path, role: Role) -> Result<SigningKey, Error> {
    let (name, seed) = read(&dir.join(format!("{}.key", role.as_str())), ED25519_HEAD)?;
    SigningKey::from_seed(&name, &seed)
}

const ED25519_HEAD: &str = "kolm-ed25519/1";
const HEADER_HEAD: &str = "kolm-header-key/1";
const CHAIN_HEAD: &str = "kolm-chain-key/1";

/// The key behind the `mac` of the header.
#[derive(Clone)]
pub struct HeaderKey {
    kid: String,
    mac: Hmac<Sha256>,
}

impl HeaderKey {
    /// The key of these 32 bytes; `kid` must match `[a-z0-9][a-z0-9-]{0,15}`.
    pub fn new(kid: &str, key: &[u8; 32]) -> Result<Self, Error> {
        if !is_kid(kid) {
            return Err(Error::Header("kid does not match [a-z0-9][a-z0-9-]{0,15}"));
        }
        Ok(Self { kid: kid.to_owned(), mac: keyed(key) })
    }

    /// Which generation of the key this is.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The first 16 bytes of the HMAC over the parts joined.
    pub(crate) fn mac(&self, parts: &[&[u8]]) -> [u8; 16] {
        let full = joined(&self.mac, parts);
        let mut out = [0; 16];
        out.copy_from_slice(&full[..16]);
        out
    }
}

impl fmt::Debug for HeaderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HeaderKey({})", self.kid)
    }
}

/// The evolving key behind the leaf MACs, at its epoch.
#[derive(Clone)]
pub struct ChainKey {
    epoch: u64,
    mac: Hmac<Sha256>,
}

impl ChainKey {
    /// The key of these bytes at `epoch`.
    pub fn new(epoch: u64, key: &[u8; 32]) -> Self {
        Self { epoch, mac: keyed(key) }
    }

    /// The epoch the key stands at.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The MAC of a leaf that closes in this epoch.
    pub fn leaf_mac(&self, leaf_hash: &Hash) -> Hash {
        joined(&self.mac, &[b"kr1-leaf\n", &self.epoch.to_be_bytes(), leaf_hash])
    }

    /// Whether `mac` is the leaf's, in constant time.
    pub(crate) fn verify(&self, leaf_hash: &Hash, mac: &[u8]) -> bool {
        let mut hmac = self.mac.clone();
        hmac.update(b"kr1-leaf\n");
        hmac.update(&self.epoch.to_be_bytes());
        hmac.update(leaf_hash);
        hmac.verify_slice(mac).is_ok()
    }

    /// The key of the next epoch.
    pub fn evolve(&self) -> Self {
        let mut next = joined(&self.mac, &[b"kr1-evolve\n", &self.epoch.to_be_bytes()]);
        let evolved = Self::new(self.epoch + 1, &next);
        next.zeroize();
        evolved
    }
}

impl fmt::Debug for ChainKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChainKey(epoch {})", self.epoch)
    }
}

/// The two keys of a ledger.
#[derive(Debug, Clone)]
pub(crate) struct LedgerKeys {
    pub(crate) header: HeaderKey,
    pub(crate) chain: ChainKey,
}

impl LedgerKeys {
    /// Makes both keys for a ledger that has none yet.
    pub(crate) fn create(dir: &Path, node: &str, env: &Env) -> Result<(), Error> {
        for (name, head, word) in
            [("header.key", HEADER_HEAD, first_kid(node)), ("chain.key", CHAIN_HEAD, "0".to_owned())]
        {
            let path = dir.join(name);
            if !path.exists() {
                let key = Zeroizing::new(env.bytes32());
                create(&path, head, &word, &key)?;
            }
        }
        Ok(())
    }

    /// Reads both; a missing, foreign or readable-by-others file is an error.
    pub(crate) fn load(dir: &Path) -> Result<Self, Error> {
        let path = dir.join("header.key");
        let (kid, key) = read(&path, HEADER_HEAD)?;
        let header = HeaderKey::new(&kid, &key)
            .map_err(|_| Error::KeyFile { path, why: "names a key id that is not allowed" })?;
        let path = dir.join("chain.key");
        let (epoch, key) = read(&path, CHAIN_HEAD)?;
        let epoch = epoch.parse().map_err(|_| Error::KeyFile { path, why: "names no epoch" })?;
        Ok(Self { header, chain: ChainKey::new(epoch, &key) })
    }
}

/// The first key id of a node: its name cut to what the grammar allows, and `-a`.
fn first_kid(node: &str) -> String {
    let fits = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '-';
    let name: String = node.to_ascii_lowercase().chars().filter(fits).take(14).collect();
    let name = name.trim_start_matches('-');
    if name.is_empty() { "n-a".to_owned() } else { format!("{name}-a") }
}

pub(crate) fn is_kid(kid: &str) -> bool {
    let word = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = kid.as_bytes();
    (1..=16).contains(&bytes.len()) && word(&bytes[0]) && bytes.iter().all(|b| word(b) || *b == b'-')
}

fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    // HMAC pads a key to the block of 64 bytes; written so, no error is possible.
    let mut block = [0; 64];
    block[..32].copy_from_slice(key);
    let mac = Hmac::<Sha256>::new(&block.into());
    block.zeroize();
    mac
}

fn joined(mac: &Hmac<Sha256>, parts: &[&[u8]]) -> Hash {
    let mut mac = mac.clone();
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

fn create(path: &Path, head: &str, word: &str, key: &[u8; 32]) -> Result<(), Error> {
    let digits = Zeroizing::new(hex(key));
    let line = Zeroizing::new(format!("{head} {word} {}\n", digits.as_str()));
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir).map_err(Error::io("create", dir))?;
    }
    // Whole or absent: a crash must not leave half a key that a later start would trip over.
    let made = path.with_extension("new");
    drop(fs::remove_file(&made));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&made)
        .map_err(Error::io("create key file", path))?;
    file.write_all(line.as_bytes()).map_err(Error::io("write key file", path))?;
    file.sync_all().map_err(Error::io("write key file", path))?;
    fs::rename(&made, path).map_err(Error::io("create key file", path))?;
    match path.parent() {
        Some(dir) => File::open(dir).and_then(|dir| dir.sync_all()).map_err(Error::io("fsync", path)),
        None => Ok(()),
    }
}

fn read(path: &Path, head: &str) -> Result<(String, Zeroizing<[u8; 32]>), Error> {
    let bad = |why| Error::KeyFile { path: path.to_owned(), why };
    if !path.exists() {
        return Err(bad("is missing"));
    }
    let mut file = File::open(path).map_err(Error::io("read key file", path))?;
    let meta = file.metadata().map_err(Error::io("read key file", path))?;
    if !meta.is_file() || meta.len() > 4096 {
        return Err(bad("is no key file"));
    }
    if meta.mode() & 0o077 != 0 {
        return Err(bad("may be read by others (its mode must be 0600)"));
    }
    if meta.uid() != rustix::process::geteuid().as_raw() {
        return Err(bad("belongs to another user"));
    }
    let mut text = Zeroizing::new(String::new());
    file.read_to_string(&mut text).map_err(Error::io("read key file", path))?;
    let words: Vec<&str> = text.split_whitespace().collect();
    let [given, word, digits] = words[..] else { return Err(bad("is no key file")) };
    if given != head {
        return Err(bad("holds a key of another kind"));
    }
    let key = unhex(digits).ok_or_else(|| bad("holds no key of 32 bytes"))?;
    Ok((word.to_owned(), Zeroizing::new(key)))
}

/// The 32 bytes of 64 lower-case hex digits.
pub(crate) fn unhex(digits: &str) -> Option<[u8; 32]> {
    let nibble = |b: u8| match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        _ => None,
    };
    let digits: &[u8; 64] = digits.as_bytes().try_into().ok()?;
    let mut out = [0; 32];
    for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(out)
}

#[cfg(test)]
mod tests;

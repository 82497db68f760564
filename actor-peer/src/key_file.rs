//! The key pair of a peer in a file, so that the peer keeps its id across restarts.
//!
//! The file is PEM with PKCS #8: version 1 as written by `openssl genpkey -algorithm ed25519`, or
//! version 2 (with the public key) as other programs write it. A program that can read the file
//! can act as this peer. Therefore only its owner can read the file, and a file that others can
//! read is rejected.
//!
//! ```no_run
//! use distributed_scope_actor_peer::{Peer, key_file};
//!
//! # fn f() -> Result<(), key_file::KeyFileError> {
//! let key = key_file::load_or_generate("server.key")?;
//! let peer = Peer::builder(key).start();
//! # Ok(()) }
//! ```

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use distributed_scope_core::KeyPair;
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{self, DecodePrivateKey as _, EncodePrivateKey as _, KeypairBytes};

/// Why a key pair cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// The file cannot be read.
    #[error("cannot read the key file {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// Users other than its owner can read or write the file.
    #[error("the key file {0} is accessible to users other than its owner (mode {mode:03o}): a user who has read it can act as this peer; if no one has, `chmod 600 {0}`", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The file belongs to another user, who can read and write it.
    #[error("the key file {} belongs to another user (uid {owner}), who can read and change the key: copy it to a file of your own, or `chown` it", path.display())]
    NotOwn {
        /// The file.
        path: PathBuf,
        /// The user that it belongs to.
        owner: u32,
    },
    /// The file contains no Ed25519 private key.
    #[error(
        "{} has no Ed25519 private key (`-----BEGIN PRIVATE KEY-----`, PKCS #8, not encrypted): `openssl genpkey -algorithm ed25519` writes one",
        path.display()
    )]
    NoKey {
        /// The file.
        path: PathBuf,
        /// The parse error.
        source: pkcs8::Error,
    },
    /// The file cannot be written. An existing file is not overwritten.
    #[error("cannot write the key file {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
}

/// Reads the key pair in this file.
///
/// # Errors
///
/// If the file cannot be read or has no key in it. On Unix, also if it belongs to another user,
/// or if users other than its owner have access to it.
pub fn load(path: impl AsRef<Path>) -> Result<KeyPair, KeyFileError> {
    let path = path.as_ref();
    let failed = |source| KeyFileError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    // The metadata is read from the open file, because the path may refer to another file by now.
    match whose(&file).map_err(failed)? {
        Whose::Ours => {}
        Whose::Anybodys { mode } => return Err(KeyFileError::Open { path: path.to_owned(), mode }),
        Whose::Anothers { owner } => return Err(KeyFileError::NotOwn { path: path.to_owned(), owner }),
    }
    let text = match io::read_to_string(file) {
        // A file that is not UTF-8 is not PEM.
        Err(error) if error.kind() == ErrorKind::InvalidData => String::new(),
        text => text.map_err(failed)?,
    };
    // Text before the key is allowed, as OpenSSL allows it.
    let key = text.find("-----BEGIN").map_or("", |start| &text[start..]);
    parse(key).map_err(|source| KeyFileError::NoKey { path: path.to_owned(), source })
}

/// Writes a key pair to a new file that only its owner can access (on Unix, mode 600).
///
/// # Errors
///
/// If the file exists or cannot be written.
pub fn store(key: &KeyPair, path: impl AsRef<Path>) -> Result<(), KeyFileError> {
    let path = path.as_ref();
    let write = || {
        let text = pem(key).map_err(io::Error::other)?;
        let mut file = create(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    write().map_err(|source| KeyFileError::Write { path: path.to_owned(), source })
}

/// Reads the key pair in this file. If the file does not exist, generates a key pair and stores
/// it there.
///
/// # Errors
///
/// The errors of [`load`] and [`store`].
pub fn load_or_generate(path: impl AsRef<Path>) -> Result<KeyPair, KeyFileError> {
    let path = path.as_ref();
    match load(path) {
        Err(KeyFileError::Read { source, .. }) if source.kind() == ErrorKind::NotFound => {
            let key = KeyPair::generate();
            store(&key, path).map(|()| key)
        }
        loaded => loaded,
    }
}

/// The owner and access of a file.
#[derive(Debug, PartialEq, Eq)]
enum Whose {
    Ours,
    #[cfg_attr(not(unix), expect(dead_code, reason = "a file has no such permissions there"))]
    Anybodys {
        mode: u32,
    },
    #[cfg_attr(not(unix), expect(dead_code, reason = "a file has no such owner there"))]
    Anothers {
        owner: u32,
    },
}

#[cfg(unix)]
fn whose(file: &File) -> io::Result<Whose> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = file.metadata()?;
    Ok(whose_is(metadata.mode(), metadata.uid(), rustix::process::geteuid().as_raw()))
}

/// A file of root is accepted, because root can read any file in any case.
#[cfg(unix)]
fn whose_is(mode: u32, owner: u32, us: u32) -> Whose {
    match mode & 0o777 {
        _ if owner != us && owner != 0 => Whose::Anothers { owner },
        mode if mode & 0o077 != 0 => Whose::Anybodys { mode },
        _ => Whose::Ours,
    }
}

/// On other systems, the permissions of a file are those of its folder.
#[cfg(not(unix))]
fn whose(_: &File) -> io::Result<Whose> {
    Ok(Whose::Ours)
}

fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Version 1, without the public key, which every reader supports.
fn pem(key: &KeyPair) -> pkcs8::Result<String> {
    let bytes = KeypairBytes { secret_key: key.seed(), public_key: None };
    bytes.to_pkcs8_pem(LineEnding::LF).map(|text| text.as_str().to_owned())
}

/// A public key in the file must match the private one.
fn parse(text: &str) -> pkcs8::Result<KeyPair> {
    SigningKey::from_pkcs8_pem(text).map(|key| KeyPair::from_seed(&key.to_bytes()))
}

#[cfg(test)]
mod tests {
    use distributed_scope_core::PeerId;

    use super::*;

    /// A folder that is removed when dropped.
    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Self {
            let path = std::env::temp_dir().join(format!("key-file-{}", PeerId::random()));
            std::fs::create_dir(&path).unwrap();
            Self(path)
        }

        fn file(&self, text: &str) -> PathBuf {
            let path = self.0.join(PeerId::random().to_string());
            create(&path).unwrap().write_all(text.as_bytes()).unwrap();
            path
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_key_is_generated_once_and_stays_the_same() {
        let folder = Folder::new();
        let path = folder.0.join("key");
        let first = load_or_generate(&path).unwrap();
        assert_eq!(load_or_generate(&path).unwrap().peer_id(), first.peer_id());
        assert_eq!(load(&path).unwrap().seed(), first.seed());
        let error = store(&KeyPair::generate(), &path).unwrap_err();
        assert!(matches!(error, KeyFileError::Write { .. }), "it is not replaced: {error}");
        assert_eq!(load(&path).unwrap().seed(), first.seed());
    }

    #[cfg(unix)]
    #[test]
    fn a_file_is_its_owners_alone_and_not_used_otherwise() {
        use std::fs::{Permissions, metadata, set_permissions};
        use std::os::unix::fs::PermissionsExt as _;
        let folder = Folder::new();
        let path = folder.0.join("key");
        load_or_generate(&path).unwrap();
        assert_eq!(metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        for open in [0o640, 0o604, 0o660, 0o620] {
            set_permissions(&path, Permissions::from_mode(open)).unwrap();
            let error = load_or_generate(&path).unwrap_err();
            assert!(
                error.to_string().contains("chmod 600") && error.to_string().contains(&format!("{open:o}")),
                "{error}"
            );
        }
        set_permissions(&path, Permissions::from_mode(0o400)).unwrap();
        assert!(load(&path).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn file_of_another_user_is_not_used() {
        let (mode, us) = (0o100_600, 1000);
        assert_eq!(whose_is(mode, us, us), Whose::Ours);
        assert_eq!(whose_is(mode, 0, us), Whose::Ours);
        assert_eq!(whose_is(mode, 1001, us), Whose::Anothers { owner: 1001 });
        assert_eq!(whose_is(mode, 1001, 0), Whose::Anothers { owner: 1001 });
        assert_eq!(whose_is(0o100_640, us, us), Whose::Anybodys { mode: 0o640 });
        // Only root may change the owner of a file.
        if rustix::process::geteuid().is_root() {
            let folder = Folder::new();
            let path = folder.0.join("key");
            load_or_generate(&path).unwrap();
            std::os::unix::fs::chown(&path, Some(1001), None).unwrap();
            let error = load(&path).unwrap_err();
            assert!(error.to_string().contains("uid 1001"), "{error}");
        }
    }

    #[test]
    fn the_file_is_what_openssl_writes() {
        // `openssl genpkey -algorithm ed25519`, and the first bytes of its public key by `openssl
        // pkey -pubout`: RFC 8410, section 10.3.
        let text = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
        let key = parse(text).unwrap();
        assert_eq!(key.seed()[..4], [0xD4, 0xEE, 0x72, 0xDB]);
        assert_eq!(pem(&key).unwrap(), text);
        assert_eq!(parse(&text.replace('\n', "\r\n")).unwrap().seed(), key.seed());
    }

    /// As ring, rcgen and ed25519-dalek write it: with the public key.
    #[test]
    fn version_2_is_read() {
        let folder = Folder::new();
        let key = KeyPair::generate();
        let dalek = SigningKey::from_bytes(&key.seed()).to_pkcs8_pem(LineEnding::LF).unwrap();
        assert_eq!(load(folder.file(&dalek)).unwrap().peer_id(), key.peer_id());
        assert_eq!(
            load(folder.file(&format!("# our key\n{}", dalek.as_str()))).unwrap().peer_id(),
            key.peer_id()
        );
        let ring = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        let ours = load(folder.file(&ring.serialize_pem())).unwrap();
        assert_eq!(
            SigningKey::from_bytes(&ours.seed()).verifying_key().as_bytes()[..],
            *ring.public_key_raw()
        );
    }

    #[test]
    fn what_is_no_key_is_said_to_be_none_and_not_replaced() {
        let folder = Folder::new();
        let key = pem(&KeyPair::generate()).unwrap();
        for wrong in
            ["", "secret", &key[..60], &key.replace("MC4C", "MC5C"), &key.replace("PRIVATE", "PUBLIC")]
        {
            let path = folder.file(wrong);
            let error = load_or_generate(&path).unwrap_err();
            assert!(matches!(error, KeyFileError::NoKey { .. }), "{error}");
            assert!(wrong.is_empty() || !error.to_string().contains(wrong));
            assert_eq!(std::fs::read_to_string(&path).unwrap(), wrong);
        }
        let error = load(folder.0.join("none")).unwrap_err();
        assert!(matches!(error, KeyFileError::Read { .. }), "{error}");
    }
}

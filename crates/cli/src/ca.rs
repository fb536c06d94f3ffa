//! `kolm ca`: an authority of one's own, for the names that internal DNS points at the gateway.
//!
//! **Invariant:** a key is readable by its owner alone from the moment it exists, and nothing is overwritten unasked.

use std::io::Write as _;
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kolm_config::CertificateFiles;
use kolm_config::certificate::{self, Certified};
use kolm_core::{Code, Env, Exit};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};

use crate::args::{CaCommand, CaInit, CaIssue};
use crate::report::{Done, Failure, note, print_json, say};

const EXISTS: Code = Code(812);
const UNUSABLE: Code = Code(813);
const BAD_HOST: Code = Code(814);

const CA_DAYS: u64 = 3_650;
const PUBLIC: u32 = 0o644;
const PRIVATE: u32 = 0o600;

/// Makes an authority, or a certificate of it.
pub(crate) fn run(command: &CaCommand, env: &Env, data_dir: &Path, json: bool) -> Done {
    match command {
        CaCommand::Init(args) => init(args, env, &home(args.dir.as_deref(), data_dir), json),
        CaCommand::Issue(args) => issue(args, env, &home(args.dir.as_deref(), data_dir), json),
    }
}

/// Where the authority lies.
fn home(dir: Option<&Path>, data_dir: &Path) -> PathBuf {
    dir.map_or_else(|| data_dir.join("ca"), Path::to_path_buf)
}

fn authority(dir: &Path) -> CertificateFiles {
    CertificateFiles { cert: dir.join("ca.pem"), key: dir.join("ca.key") }
}

fn init(args: &CaInit, env: &Env, dir: &Path, json: bool) -> Done {
    let files = authority(dir);
    vacant(&files, args.force)?;
    let mut params = params(env, CA_DAYS);
    // Two authorities of one name and different keys would be mistaken for each other.
    let name = format!("kolm CA {}", kolm_core::hex(&env.bytes32()[..4]));
    params.distinguished_name = named(&name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate().map_err(|cause| cannot(dir, &cause))?;
    let certificate = params.self_signed(&key).map_err(|cause| cannot(dir, &cause))?;
    write(&files, &certificate.pem(), &key.serialize_pem())?;
    if json {
        print_json(&serde_json::json!({ "name": name, "cert": files.cert, "key": files.key }));
        return Ok(Exit::Ok);
    }
    let cert = files.cert.display();
    say(format_args!("{cert}"));
    note(&format!(
        "{name}: keep {} to yourself; whoever has it can be any host to your clients",
        files.key.display()
    ));
    note("next, a certificate for each name that DNS points at the gateway:");
    note("  kolm ca issue api.openai.com");
    note(&format!("and trust the authority on the clients:\n{}", trust(&files.cert)));
    Ok(Exit::Ok)
}

/// How clients come to trust a certificate.
fn trust(cert: &Path) -> String {
    let cert = cert.display();
    format!(
        "  Python (OpenAI SDK)  SSL_CERT_FILE={cert}\n  Python (requests)    REQUESTS_CA_BUNDLE={cert}\n  \
         Node                 NODE_EXTRA_CA_CERTS={cert}\n  curl                 --cacert {cert}\n  \
         Debian, Ubuntu       cp {cert} /usr/local/share/ca-certificates/kolm.crt && update-ca-certificates"
    )
}

fn issue(args: &CaIssue, env: &Env, dir: &Path, json: bool) -> Done {
    let hosts: Vec<String> = args.hosts.iter().map(|host| checked(host)).collect::<Result<_, _>>()?;
    let ours = authority(dir);
    let unusable = |cause: certificate::BadCertificate| no_authority(dir, &cause);
    Certified::load(&ours).map_err(unusable)?;
    let name = certificate::subject(&ours.cert).map_err(unusable)?;
    let key = std::fs::read_to_string(&ours.key).map_err(|error| Failure::io(&ours.key, &error))?;
    let key = KeyPair::from_pem(&key).map_err(|cause| cannot(dir, &cause))?;
    let mut issuer = params(env, CA_DAYS);
    issuer.distinguished_name = named(&name);
    let issuer = Issuer::new(issuer, key);

    let first =
        hosts.first().map(String::as_str).unwrap_or_default().replace('*', "wildcard").replace(':', "-");
    let out = args.out.clone().unwrap_or_else(|| dir.join("issued"));
    let files =
        CertificateFiles { cert: out.join(format!("{first}.pem")), key: out.join(format!("{first}.key")) };
    vacant(&files, args.force)?;
    let mut leaf = params(env, args.days);
    leaf.subject_alt_names =
        CertificateParams::new(hosts.clone()).map_err(|cause| cannot(dir, &cause))?.subject_alt_names;
    leaf.distinguished_name = named(&first);
    leaf.use_authority_key_identifier_extension = true;
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate().map_err(|cause| cannot(dir, &cause))?;
    let certificate = leaf.signed_by(&key, &issuer).map_err(|cause| cannot(dir, &cause))?;
    write(&files, &certificate.pem(), &key.serialize_pem())?;
    told(&files, &hosts, &ours.cert, args.days, json);
    Ok(Exit::Ok)
}

fn told(files: &CertificateFiles, hosts: &[String], ca: &Path, days: u64, json: bool) {
    if json {
        print_json(&serde_json::json!({
            "hosts": hosts, "cert": files.cert, "key": files.key, "ca": ca, "days": days,
        }));
        return;
    }
    say(format_args!("{}", files.cert.display()));
    note(&format!("good for {} days and {}; next, in gateway.toml:", days, hosts.join(", ")));
    note(&format!(
        "  [[listen.tls.certificates]]\n  cert = \"{}\"\n  key = \"{}\"",
        files.cert.display(),
        files.key.display()
    ));
    note("let internal DNS resolve the name to the gateway, on port 443; on one machine, to try it:");
    note(&format!(
        "  curl --cacert {} --connect-to ::127.0.0.1:8765 https://{}/v1/models",
        ca.display(),
        hosts.first().map(String::as_str).unwrap_or_default()
    ));
}

/// A host name, a wildcard of one, or an address.
fn checked(host: &str) -> Result<String, Failure> {
    let name = host.to_ascii_lowercase();
    let label = |label: &str| {
        let inner = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        (1..=63).contains(&label.len()) && inner && !label.starts_with('-') && !label.ends_with('-')
    };
    let plain = name.strip_prefix("*.").unwrap_or(&name);
    if name.parse::<IpAddr>().is_ok() || plain.len() <= 253 && plain.split('.').all(label) {
        return Ok(name);
    }
    let hint = "give names such as api.openai.com or *.example.com, or addresses such as 10.0.0.5";
    Err(Failure::new(BAD_HOST, Exit::Usage, format_args!("`{host}` is no host name"), hint))
}

/// What both kinds have in common: an hour of grace for clocks that go slow, and the days.
fn params(env: &Env, days: u64) -> CertificateParams {
    let now_s = u64::try_from(env.clock.now().0 / 1000).unwrap_or_default();
    let at = |seconds| date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds);
    let mut params = CertificateParams::default();
    params.not_before = at(now_s.saturating_sub(3_600));
    params.not_after = at(now_s + days * 86_400);
    params
}

fn named(name: &str) -> DistinguishedName {
    let mut named = DistinguishedName::new();
    named.push(DnType::CommonName, name);
    named
}

fn vacant(files: &CertificateFiles, force: bool) -> Result<(), Failure> {
    match [&files.cert, &files.key].into_iter().find(|path| path.exists()) {
        Some(path) if !force => {
            let hint = "use --dir or --out for another place, or --force to replace it";
            Err(Failure::new(EXISTS, Exit::Usage, format_args!("{} exists already", path.display()), hint))
        }
        Some(_) | None => Ok(()),
    }
}

fn write(files: &CertificateFiles, cert: &str, key: &str) -> Result<(), Failure> {
    for (path, text, mode) in [(&files.key, key, PRIVATE), (&files.cert, cert, PUBLIC)] {
        put(path, text, mode).map_err(|error| Failure::io(path, &error))?;
    }
    Ok(())
}

/// Writes a file whole or not at all.
fn put(path: &Path, text: &str, mode: u32) -> std::io::Result<()> {
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir)?;
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let temporary = path.with_file_name(name);
    drop(std::fs::remove_file(&temporary));
    let mut file = std::fs::File::options().write(true).create_new(true).mode(mode).open(&temporary)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)
}

fn no_authority(dir: &Path, cause: &certificate::BadCertificate) -> Failure {
    let sentence = format_args!("no authority in {}: {cause}", dir.display()).to_string();
    Failure::new(
        UNUSABLE,
        Exit::Missing,
        sentence,
        "make one with `kolm ca init`, or name its folder with --dir",
    )
}

fn cannot(dir: &Path, cause: &rcgen::Error) -> Failure {
    let sentence = format!("the authority in {} cannot be used: {cause}", dir.display());
    Failure::new(UNUSABLE, Exit::Failed, sentence, "make another with `kolm ca init --dir`")
}

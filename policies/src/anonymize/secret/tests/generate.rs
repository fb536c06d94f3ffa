//! Generated secrets of every rule, generated look-alikes, and the rates at which they are told apart.

use super::super::rules::Class;
use super::*;
use crate::anonymize::Salt;
use crate::anonymize::invent::Choice;

const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const DIGITS: &str = "0123456789";

/// Characters drawn from `of`.
fn draw(choice: &mut Choice, of: &str, len: usize) -> String {
    let of = of.as_bytes();
    (0..len).map(|_| char::from(of[choice.below(of.len() as u64) as usize])).collect()
}

fn alnum(choice: &mut Choice, len: usize) -> String {
    draw(choice, &[UPPER, LOWER, DIGITS].concat(), len)
}

fn hex(choice: &mut Choice, len: usize) -> String {
    draw(choice, "0123456789abcdef", len)
}

fn uuid(choice: &mut Choice) -> String {
    [8, 4, 4, 4, 12].map(|n| hex(choice, n)).join("-")
}

fn pick<'a>(choice: &mut Choice, of: &[&'a str]) -> &'a str {
    of[choice.below(of.len() as u64) as usize]
}

fn of_class(choice: &mut Choice, class: Class, len: usize) -> String {
    match class {
        Class::Hex | Class::HexLow => hex(choice, len),
        Class::HexDash if len == 36 => uuid(choice),
        Class::HexDash => hex(choice, len),
        Class::Upper | Class::UpDash => draw(choice, &[UPPER, DIGITS].concat(), len),
        Class::Alnum
        | Class::Word
        | Class::Dot
        | Class::B64
        | Class::Pct
        | Class::Salesforce
        | Class::Rancher => alnum(choice, len),
    }
}

/// Keys with a head and keys beside a service's name, one of every rule in each round.
fn vendor_keys(choice: &mut Choice, out: &mut Vec<(String, String, String)>) {
    let engine = build(RULES).unwrap();
    for token in &engine.tokens {
        for head in &token.heads {
            let len = token.min + choice.below(6) as usize;
            let len = if token.class == Class::HexLow { 40.min(token.min) } else { len };
            let secret = format!("{head}{}", of_class(choice, token.class, len));
            let frame = pick(
                choice,
                &[
                    "use {} now",
                    "KEY={}",
                    "curl -H 'X-Auth: {}'",
                    "\"{}\"",
                    "{}",
                    "({}).",
                    "see `{}`,",
                    "a\\n{}\\nb",
                ],
            );
            out.push((token.name.clone(), frame.replace("{}", &secret), secret));
        }
    }
    for near in &engine.nears {
        let secret = of_class(choice, near.class, near.min);
        let word = near.words[0].replace(' ', "_");
        let frame = pick(
            choice,
            &[
                "{w}: {s}",
                "{w}_api_key = \"{s}\"",
                "{w} key: {s}",
                "{W}_TOKEN={s}",
                "\"{w}\": \"{s}\"",
                "new {w}(\"{s}\")",
            ],
        );
        let text = frame.replace("{w}", &word).replace("{W}", &word.to_uppercase()).replace("{s}", &secret);
        out.push((near.name.clone(), text, secret));
    }
}

/// What stands around a value that is named.
#[rustfmt::skip]
const ASSIGNMENTS: &[&str] = &[
    "const appSecret = process.env.APP_SECRET || '{}';", "os.getenv(\"API_KEY\", \"{}\")", "I pasted my api key {} there", "api_key = \"{}\"", "API_KEY={}", "export SECRET_TOKEN='{}'", "\"clientSecret\": \"{}\"", "client_secret: {}",
    "const apiKey = '{}';", "private static final String API_SECRET = \"{}\";", "$config['auth_token'] = '{}';",
    "define('AUTH_KEY', '{}');", "set ACCESS_TOKEN={}", "--token {} --verbose", "--api-key={}", "ENV APP_SECRET {}",
    "variable \"x\" { default = 1 }\nsecret_key = \"{}\"", "  - name: ENCRYPTION_KEY\n    value: {}", "X-Api-Key: {}",
    "<add key=\"ServiceToken\" value=\"{}\" />", "<apiToken>{}</apiToken>", "my api key is {}", "token => '{}',",
    "access_token={}&scope=read", "os.environ[\"API_TOKEN\"] = \"{}\"", "process.env.API_KEY = '{}'", "apiKey:\"{}\"",
    "Authorization: Bearer {}", "-H \"Authorization: Token {}\"", "{\\\"api_secret\\\": \\\"{}\\\"}",
    "secret_key: str = \"{}\"", "API Key: {}", "**Token:** {}", "session_token = {}\n", "signing_secret := \"{}\"",
    "Cookie: sessionid={}; theme=dark", "jwt_secret={} # do not commit", "The secret key: {}", "credentials: {}",
    "pub const AUTH_TOKEN: &str = \"{}\";", "//registry.npmjs.org/:_authToken={}", "consumer_secret='{}'",
];

#[rustfmt::skip]
const PASSWORDS: &[&str] = &[
    "password = \"{}\"", "DB_PASSWORD={}", "password: {}", "\"passwd\": \"{}\"", "my password is {}", "Passwort: {}",
    "postgres://app:{}@db.internal:5432/app", "mysql://root:{}@10.0.0.3/shop", "mongodb+srv://u1:{}@c0.abcde.mongodb.net/x",
    "redis://:{}@cache:6379/0", "amqps://svc:{}@mq.acme.io/v", "Server=db;User Id=sa;Password={};Encrypt=true",
    "Driver={ODBC Driver};Uid=sa;Pwd={};", "jdbc:mysql://h/db?user=root&password={}", "machine api.acme.io login bob password {}",
    "mysql -u root -p{} shop", "sshpass -p '{}' ssh root@h", "curl -u admin:{} https://api.acme.io", "--password {}",
    "spring.datasource.password={}", "pwd: {}", "login: bob / {}", "the password for the wifi is {}", "$db_pass = '{}';",
    "POSTGRES_PASSWORD: {}", "<password>{}</password>", "contraseña: {}", "redis-cli -h h -a {}", "IDENTIFIED WITH x; SET PASSWORD = '{}';",
    "jdbc:oracle:thin:scott/{}@//h:1521/x", "passphrase: \"{}\"", "{\"user\":\"bob\",\"password\":\"{}\"}", "ftp://bob:{}@files.acme.io/",
];

/// Values that are found by what stands around them.
fn named_values(choice: &mut Choice, out: &mut Vec<(String, String, String)>) {
    for frame in ASSIGNMENTS {
        for len in [16, 24, 32, 40, 64] {
            let value = if len == 32 { hex(choice, 32) } else { alnum(choice, len) };
            out.push((format!("assigned {len}"), frame.replace("{}", &value), value));
        }
    }
    for frame in PASSWORDS {
        let strong = format!("{}!{}", alnum(choice, 6), draw(choice, DIGITS, 3));
        let word =
            format!("{}{}", pick(choice, &["Sunshine", "dragon", "Berlin", "Hunter"]), 10 + choice.below(90));
        for value in [strong, word, alnum(choice, 12)] {
            out.push(("password".to_owned(), frame.replace("{}", &value), value));
        }
    }
}

fn base64_lines(choice: &mut Choice, lines: usize, end: &str) -> String {
    (0..lines).map(|_| alnum(choice, 64) + end).collect::<String>() + &alnum(choice, 24) + "==" + end
}

/// Blocks and addresses of the remaining rules.
fn shaped(choice: &mut Choice, out: &mut Vec<(String, String, String)>) {
    let mut push = |name: &str, text: String, secret: String| out.push((name.to_owned(), text, secret));
    for kind in ["RSA ", "EC ", "", "OPENSSH ", "DSA ", "ENCRYPTED ", "PGP "] {
        let block = if kind == "PGP " { " BLOCK" } else { "" };
        for end in ["\n", "\\n", "\r\n"] {
            let body = base64_lines(choice, 4, end);
            let (head, tail) = (
                format!("-----BEGIN {kind}PRIVATE KEY{block}-----"),
                format!("-----END {kind}PRIVATE KEY{block}-----"),
            );
            push("pem", format!("key:\n{head}{end}{body}{tail}\nbye"), format!("{head}{end}{body}{tail}"));
            push("pem, cut off", format!("{head}{end}{body}"), body.trim_end_matches(end).to_owned());
        }
    }
    for _ in 0..4 {
        let (a, b, c) = (alnum(choice, 20), alnum(choice, 60), alnum(choice, 43));
        let jwt = format!("eyJ{a}.eyJ{b}.{c}");
        push("jwt", format!("token {jwt} ok"), jwt);
        let value = alnum(choice, 24) + "==";
        push(
            "kube",
            format!("apiVersion: v1\nkind: Secret\nmetadata:\n  name: x\ndata:\n  one: {value}\n"),
            value,
        );
        let value = format!(
            "https://hooks.slack.com/services/T{}/B{}/{}",
            alnum(choice, 8),
            alnum(choice, 8),
            alnum(choice, 24)
        );
        push("slack webhook", format!("post to {value} please"), value);
        let value = hex(choice, 64);
        push(
            "signed url",
            format!("https://b.s3.amazonaws.com/k?X-Amz-Expires=60&X-Amz-Signature={value}"),
            value,
        );
        let value = alnum(choice, 43) + "%3D";
        push("sas", format!("https://a.blob.core.windows.net/c?sv=2022&sr=b&sig={value}"), value);
        let value = alnum(choice, 86) + "==";
        push("azure storage", format!("AccountName=a;AccountKey={value};EndpointSuffix=x"), value);
        let value = alnum(choice, 40);
        push("aws secret", format!("aws_secret_access_key = {value}"), value);
        let value = format!("$2y$10${}", alnum(choice, 53));
        push("htpasswd", format!("bob:{value}"), value);
        let value = format!("{}:AA{}", draw(choice, "123456789", 9), alnum(choice, 33));
        push("telegram", format!("bot {value}"), value);
        let value = format!("{}-us{}", hex(choice, 32), choice.below(20));
        push("mailchimp", format!("mc {value}"), value);
        let value = alnum(choice, 24) + "==";
        push("basic", format!("Authorization: Basic {value}"), value);
        let words: Vec<&str> = (0..12)
            .map(|_| pick(choice, &["ripple", "ocean", "canvas", "obey", "glad", "tissue", "urban"]))
            .collect();
        let value = words.join(" ");
        push("seed phrase", format!("my seed phrase: {value}"), value);
        let value = format!("{}8Q~{}", alnum(choice, 3), alnum(choice, 34));
        push("azure client secret", format!("tenant secret {value}"), value);
        let value = alnum(choice, 43);
        push("json web key", format!("{{\"kty\":\"EC\",\"crv\":\"P-256\",\"d\":\"{value}\"}}"), value);
    }
}

/// Is every letter and digit of the secret under a finding, its head aside?
fn masked(text: &str, secret: &str) -> bool {
    let mut out = Vec::new();
    find(text.as_bytes(), "", &mut out);
    let start = text.find(secret).unwrap();
    (start..start + secret.len()).all(|at| {
        !text.as_bytes()[at].is_ascii_alphanumeric() || out.iter().any(|f| f.start <= at && at < f.end)
    })
}

#[test]
fn generated_secrets_are_masked() {
    let mut choice = Choice::new(&Salt([9; 32]), "test", "secrets", 0);
    let mut all = Vec::new();
    for _ in 0..3 {
        vendor_keys(&mut choice, &mut all);
        named_values(&mut choice, &mut all);
        shaped(&mut choice, &mut all);
    }
    let missed: Vec<_> = all.iter().filter(|(_, text, secret)| !masked(text, secret)).collect();
    eprintln!("secrets: {} of {} masked", all.len() - missed.len(), all.len());
    for (name, text, _) in missed.iter().take(60) {
        eprintln!("  missed {name}: {text}");
    }
    assert!(all.len() >= 1500);
    assert!(missed.len() * 1000 <= all.len() * 5, "99.5 % measured when written; the floor is 98 %");
}

#[rustfmt::skip]
const HARMLESS: &[&str] = &[
    "api_key = ${API_KEY}", "token: <your-token-here>", "API_KEY=YOUR_API_KEY", "secret: xxxxxxxxxxxxxxxx", "password: changeme",
    "api_key = os.environ[\"{W}\"]", "const key = process.env.{W};", "token = os.getenv(\"{W}\")", "secret = System.getenv(\"{W}\")",
    "private_key_path = /etc/ssl/{w}/{w}.pem", "key_file: ./{w}/{w}.key", "ssl_key=~/.ssh/id_{w}", "credentials_file = \"C:\\keys\\{w}.json\"",
    "request_id: {u}", "\"id\": \"{u}\"", "session_id = {u}", "client_id: {u}", "key_id = {u}", "user_id={u}", "trace-id: {u}",
    "commit {h40}", "sha: {h40}", "git checkout {h40}", "\"rev\": \"{h40}\"", "commit_sha = {h40}", "Merge {h7} into main",
    "sha256:{h64}", "md5: {h32}", "checksum = \"{h64}\"", "\"integrity\": \"sha512-{b86}==\"", "sha1={h40}", "digest: sha256:{h64}",
    "image: nginx@sha256:{h64}", "etag: \"{h32}\"", "password: {w}", "token = abcdefghijklmnopqrstuvwxyz", "secret: 0123456789abcdef",
    "api_key=1234567890123456", "key = \"{w}_{w}_{w}\"", "secret_name: {w}-{w}-{w}", "token_type: bearer", "auth_method = \"{w}_{w}\"",
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAB{b86} bob@host", "-----BEGIN PUBLIC KEY-----\n{b64l}\n-----END PUBLIC KEY-----",
    "-----BEGIN CERTIFICATE-----\n{b64l}\n{b64l}\n-----END CERTIFICATE-----", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{b40}",
    "color: #{h6}; background: #{h6}", "data:image/png;base64,iVBORw0KGgo{b86}", "\"primary_key\": \"{w}_id\"", "sort_key = created_at_{w}",
    "max_tokens: 4096", "token_count = 1532", "the key to {w} is {w}", "password must be at least 8 characters", "forgot your password?",
    "token = get_token_from_{w}()", "key = request.headers.{w}", "password = self.{w}.password", "secret = config.get('{w}')", "let token = await fetch{W1}();",
    "keyboard: {w}-{w}", "authority = {w}.{w}", "monkey business with {w}", "the author is {w}", "cache_key = \"{w}:{w}:{h7}\"", "public_key = \"{b40}\"",
    "translation.key: {w}.{w}.title", "password_reset_url: https://{w}.example.com/reset", "token_url = https://auth.{w}.com/oauth/token",
    "const PASSWORD_MIN_LENGTH = 12", "password: string", "password: String!", "secret: true", "\"password\": null", "token?: string;", "apiKey: undefined,",
    "sk-learn-{w}-{w} is a library", "sk_live_xxxxxxxxxxxxxxxxxxxxxxxx", "AKIA...", "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "Bearer <token>",
    "Authorization: Bearer $TOKEN", "Authorization: Bearer {{token}}", "postgres://user:${DB_PASS}@h/db", "redis://:<password>@h:6379", "mysql://user:password@localhost/db",
    "DB_PASSWORD=${{ secrets.DB_PASSWORD }}", "password: !vault |", "secret_arn = arn:aws:secretsmanager:us-east-1:{d12}:secret:{w}", "version 1.2.3-{h7}",
    "eyJhbGciOi... (cut)", "patient-{w}-{w}", "kind: Secret is a {w} of Kubernetes", "enter your secret key here", "keyword = {w}", "tokenizer = {w}{W1}",
    "const key = `${{w}}-${{w}}`", "hash_key: {w}", "key=value", "foreign key {w}_id references {w}", "Please set the token to a long random {w}", "primaryKey: '{w}'",
    "password field is required", "api-key: [REDACTED]", "PASSWORD=********", "pwd: /home/{w}/{w}", "pass: {w} the {w} to me", "auth: {w} and {w}", "credentials: include",
    "license: MIT", "key: {w}", "keys = list({w}.keys())", "for key, value in {w}.items():", "\"key\": \"{w}.{w}\"", "auth_provider: {w}", "secretName: {w}-tls",
];

/// A look-alike with its words and codes drawn.
fn filled(choice: &mut Choice, frame: &str) -> String {
    let words =
        ["invoice", "customer", "orders", "settings", "report", "billing", "garden", "window", "profile"];
    let mut text = frame.to_owned();
    for (mark, len) in [("{h6}", 6), ("{h7}", 7), ("{h32}", 32), ("{h40}", 40), ("{h64}", 64)] {
        text = text.replace(mark, &hex(choice, len));
    }
    for (mark, len) in [("{b40}", 40), ("{b86}", 86), ("{b64l}", 64)] {
        text = text.replace(mark, &alnum(choice, len));
    }
    text = text.replace("{u}", &uuid(choice)).replace("{d12}", &draw(choice, DIGITS, 12));
    while let Some(at) = text.find("{w}") {
        text.replace_range(at..at + 3, pick(choice, &words));
    }
    let word = pick(choice, &words);
    let capital = word[..1].to_uppercase() + &word[1..];
    text.replace("{W1}", &capital).replace("{W}", &word.to_uppercase())
}

#[test]
fn generated_look_alikes_stay() {
    let mut choice = Choice::new(&Salt([10; 32]), "test", "harmless", 0);
    let all: Vec<String> =
        (0..6).flat_map(|_| HARMLESS.iter()).map(|frame| filled(&mut choice, frame)).collect();
    let touched: Vec<&String> = all.iter().filter(|text| !check(text).is_empty()).collect();
    eprintln!("look-alikes: {} of {} masked", touched.len(), all.len());
    for text in touched.iter().take(60) {
        eprintln!("  masked {:?} in {text}", check(text));
    }
    assert!(all.len() >= 500);
    assert!(touched.len() * 100 <= all.len() * 3, "the floor of the design is 5 %");
}

/// `cargo test --release -p kolm-policies --lib speed_of_secrets -- --nocapture` prints what counts.
#[test]
#[expect(clippy::disallowed_methods, reason = "this test is about time")]
fn speed_of_secrets() {
    let prose = "I would like to know whether the order that I placed last week for 12 chairs has left the depot, \
                 because my neighbour said that nobody came by. The author of the key chapter has a pass. ";
    let code = include_str!("../assign.rs");
    for (name, unit) in [("prose", prose), ("code", code)] {
        let text = unit.repeat((1 << 20) / unit.len());
        let mut best = f64::MAX;
        for _ in 0..5 {
            let started = std::time::Instant::now();
            let mut out = Vec::new();
            find(text.as_bytes(), "", &mut out);
            best = best.min(started.elapsed().as_secs_f64());
        }
        eprintln!("secret::find, {name}: {:.0} MB/s", text.len() as f64 / 1e6 / best);
    }
}

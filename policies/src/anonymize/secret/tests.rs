//! Every shipped rule compiles, and finds what its vendor writes.

use super::*;
use crate::anonymize::tests::tables::typed;

mod generate;

#[test]
fn pins_and_answers_that_people_tell() {
    for (text, want) in [
        ("Rotate the door PIN (currently 4471).", "PASSWORD 4471"),
        ("mon NIP (4471) pis", "PASSWORD 4471"),
        ("Your verification code is 417 208.", "PASSWORD 417 208"),
        ("nøkkelboks 4471, wifi", "PASSWORD 4471"),
        ("PAC: KLM440917. Account", "SECRET KLM440917"),
        ("licence check code Kh 3xT mm R;", "SECRET Kh 3xT mm R"),
        ("share code is W83 6KT 4RX.", "SECRET W83 6KT 4RX"),
        ("the security answer \"kaldereta\".", "PASSWORD kaldereta"),
        ("the box takes root/Pandesal@77.", "PASSWORD Pandesal@77"),
        ("et le wifi \"veste_bleue\", je", "PASSWORD veste_bleue"),
    ] {
        let found: Vec<String> = check(text).iter().map(|f| f.replace("SECRET ", "PASSWORD ")).collect();
        assert!(found.contains(&want.replace("SECRET ", "PASSWORD ")), "{text}: {found:?}");
    }
    for text in [
        "error code (4040) is shown",
        "pin 12 (pin 14 is ground)",
        "share code is 50 percent done",
        "the function check code abc def is called",
        "see admin/users and root/lib",
        "the wifi \"Guests\" is open",
    ] {
        assert!(check(text).is_empty(), "{text}: {:?}", check(text));
    }
}

/// Assembled at run time, so that no scanner takes the test for a leak.
fn key(parts: &[&str]) -> String {
    parts.concat()
}

/// What is found in a text, each with its type.
pub(super) fn check(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    find(text.as_bytes(), "", &mut out);
    typed(text, &out)
}

fn services(engine: &Engine) -> usize {
    engine.tokens.len() + engine.nears.len() + engine.rules.len()
}

#[test]
fn the_shipped_rules_are_sound() {
    let engine = build(RULES).unwrap();
    assert!(services(&engine) >= 150, "{} services", services(&engine));
    for rule in &engine.rules {
        assert!(rule.regex().is_some(), "{} does not compile", rule.raw.name);
    }
    for (word, owner) in engine.words.iter().zip(&engine.owner) {
        assert!(matches!(owner, Owner::Token(_)) || **word == *word.to_ascii_lowercase(), "{owner:?}");
    }
}

#[test]
fn vendor_formats() {
    let body36 = "aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5";
    let cases = [
        key(&["AKIA", "QWERTYUIOP2345AS"]),
        key(&["ghp_", body36]),
        key(&["glpat-", "aB3dE5fG7hI9jK1lM3nO"]),
        key(&["sk-proj-", body36, body36]),
        key(&["sk-ant-", "api03-", body36, body36, body36]),
        key(&["hf_", "qRcTeFwHiPkLuNoVqXsTaVzXyBaGcDmFgH"]),
        // Letters alone, most of which a tongue could follow.
        key(&["hf_", "MxlMjikyBuulCyxelipkFmcPkuUPEmdyyy"]),
        key(&["xoxb-", "123456789012-123456789012-aB3dE5fG7hI9jK1lM3nO5pQ7"]),
        key(&["sk_live_", "aB3dE5fG7hI9jK1lM3nO5pQ7"]),
        key(&["npm_", body36]),
        key(&["AIza", "SyA1bC2dE3fG4hI5jK6lM7nO8pQ9rS0tU1v"]),
        key(&["SG.", "aB3dE5fG7hI9jK1lM3nO5p", ".", "aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5zA7bC9d"]),
        key(&[
            "eyJ",
            "hbGciOiJIUzI1NiJ9",
            ".eyJ",
            "zdWIiOiIxMjM0NTY3ODkwIn0",
            ".dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
        ]),
    ];
    for secret in &cases {
        let found = check(&format!("use {secret} now"));
        assert!(found.iter().any(|f| f == &format!("SECRET {secret}")), "{secret}: {found:?}");
    }
    let pem = key(&[
        "-----BEGIN RSA PRIVATE",
        " KEY-----\nMIIEpAIBAAKCAQEA7\nabc==\n-----END RSA PRIVATE",
        " KEY-----",
    ]);
    assert!(check(&pem).contains(&format!("SECRET {pem}")));
    assert!(check("postgres://admin:s3cr3tpw@db.local/x").contains(&"PASSWORD s3cr3tpw".to_owned()));
    assert!(
        check("Authorization: Basic dXNlcjpwYXNzd29yZA==")
            .contains(&"SECRET dXNlcjpwYXNzd29yZA==".to_owned())
    );
    assert!(check("my password is hunter2!").contains(&"PASSWORD hunter2!".to_owned()));
    assert!(check("api_key = \"q8Zr7LmW2xKp4TvB\"").contains(&"SECRET q8Zr7LmW2xKp4TvB".to_owned()));
    for (text, want) in [
        ("the door code is 689819", "PASSWORD 689819"),
        ("Voicemail PIN: 4821", "PASSWORD 4821"),
        ("Login with admin / qwerty2024!", "PASSWORD qwerty2024!"),
        ("creds: bob:zxcvBN12", "PASSWORD zxcvBN12"),
        ("Enter this setup key: mzxw jbsw y3dp ehpk 3pxp gezd", "SECRET mzxw jbsw y3dp ehpk 3pxp gezd"),
        ("google app password for the printer: qhzt mwle kdoy bnxf", "SECRET qhzt mwle kdoy bnxf"),
        (
            "BitLocker recovery key: 201773-550286-118349-660451-275913-039824-481726-330517",
            "SECRET 201773-550286-118349-660451-275913-039824-481726-330517",
        ),
        ("<Password Type=\"x#PasswordText\">Tq4vKzWmXb</wsse:Password>", "PASSWORD Tq4vKzWmXb"),
        ("username ops privilege 15 password 7 0822455D0A16", "PASSWORD 0822455D0A16"),
        ("snmp-server community Rk9wB2tQ RO", "PASSWORD Rk9wB2tQ"),
        ("jwt.sign({ uid: user.id }, 'saffron-harbor-22lynx', {})", "PASSWORD saffron-harbor-22lynx"),
        ("network={ psk=\"yellow anchor 9052\" }", "PASSWORD yellow anchor 9052"),
        ("WIFI:T:WPA;S:Office;P:zpOrbit728K;;", "PASSWORD zpOrbit728K"),
        (
            "accounts: [\"7b19e2c4d80f53a6914e0b7cd2f8653a1e94b07d6c2f85a39de4170b6c8f2a53\"]",
            "SECRET 7b19e2c4d80f53a6914e0b7cd2f8653a1e94b07d6c2f85a39de4170b6c8f2a53",
        ),
        ("ConvertTo-SecureString \"7qw2Bnre*tGK\" -AsPlainText", "PASSWORD 7qw2Bnre*tGK"),
        ("echo 'kai:Topaz_1983!' | chpasswd", "PASSWORD Topaz_1983!"),
        (
            "passphrase for the backup: harbor pencil turtle marble autumn copper",
            "SECRET harbor pencil turtle marble autumn copper",
        ),
        ("wifi i huset: Net7, kode LakridsGul31, hils", "PASSWORD LakridsGul31"),
        ("903 26 Stad, portkod 9052.", "PASSWORD 9052"),
        ("Zugangscode Haustür: 7731#", "PASSWORD 7731#"),
        ("il mio codice del portone: 5518", "PASSWORD 5518"),
        ("mon code PIN est le 5518", "PASSWORD 5518"),
        ("smbclient //fs01/data -U svc_scan%Tulpe_88x", "PASSWORD Tulpe_88x"),
        ("CREATE USER 'app'@'%' IDENTIFIED BY 'Kiesel_Wolf9';", "PASSWORD Kiesel_Wolf9"),
        ("radius-server host 10.0.0.9 key R4dius-Key77", "PASSWORD R4dius-Key77"),
        ("the old password was Berg#33 and the new one is Sommertal#4.", "PASSWORD Sommertal#4"),
        ("clé API : 8TrWq2mKz5LpXv7NbYc4", "SECRET 8TrWq2mKz5LpXv7NbYc4"),
        ("APIキー:Lm4xQ9vRz7TkWp2NbYd6", "SECRET Lm4xQ9vRz7TkWp2NbYd6"),
        ("WLAN-Schlüssel im Büro: mRvTzkQXW4PL", "PASSWORD mRvTzkQXW4PL"),
        ("variable \"db_password\" {\n type = string\n default = \"Cherry!83z\"\n}", "PASSWORD Cherry!83z"),
        ("old client secret (zQ7kWmX2vRt9LpNbYd4) stays", "SECRET zQ7kWmX2vRt9LpNbYd4"),
        ("proxy_set_header Authorization \"Basic dXNlcjpwYXNzd29yZA==\";", "SECRET dXNlcjpwYXNzd29yZA=="),
        ("JSESSIONID=VCNM837UIKX612XUE35RQJHQ2653FRX8", "SECRET VCNM837UIKX612XUE35RQJHQ2653FRX8"),
        ("I leaked this: XpUC1ge7sfPDe9OzujrnHPt07QgQ4bmI", "SECRET XpUC1ge7sfPDe9OzujrnHPt07QgQ4bmI"),
    ] {
        assert!(check(text).contains(&want.to_owned()), "{text}: {:?}", check(text));
    }
    let words = "able winner worth abuse ability wave year yellow wheat thank abstract legal";
    assert!(check(&format!("{words} is my wallet")).contains(&format!("SECRET {words}")));
    let sent = "then some people went into their small house and took out that wallet again";
    assert_eq!(check(sent), Vec::<String>::new());
}

#[test]
fn look_alikes_stay() {
    for text in [
        "api_key = ${API_KEY}",
        "token: <your-token-here>",
        "password: required",
        "secret = os.environ['SECRET_TOKEN']",
        "my password is wrong",
        "how do i change my password",
        "token_count = maximum_length_of_it",
        "private_key_path = /etc/ssl/private/key.pem",
        "sk-learn is a library",
        "card_payment_fee_charged",
        "hf_modelloaderforwhateveritistheytrain",
        "KMS key arn:aws:kms:eu-west-1:111122223333:key/25ca937e-11d1-4c54-9238-5b8bdbaf1db9",
        "docker pull auth:4.18@sha256:702d6b5dacc77285582ed1a889065084ba468a0b18a318460541a0034c0adb92",
        "the error code is 4004",
        "pin de 1200 mm",
        "пинг 1200 мс",
        "net user anna /add",
        "unzip -P <password> file.zip",
        "key fingerprint is SHA256:uR4kXz9WmQ2vTpL7NbYc8Dd1Ff6Gg3Hh5Jj0KkAaBbQ.",
        "vapid public key: BKr7XzWmQ2vTpL9NbYc8Dd1Ff6Gg3Hh5Jj0KkAaBbQe",
        "gpg: key 7C19E2B4D80F53A6: imported",
        "idempotency key order-9052-charge-1",
        "db_password: ENC[AES256_GCM,data:Xk2vQm8T,iv:Lw9nRb4,type:str]",
        "db.password=[REDACTED] api.token=*** smtp.password=<hidden>",
        "POSTGRES_PASSWORD: ${DB_PASSWORD:?must be set}",
        "password: {type: string, format: password}",
        "password = config.get(\"database\", \"password\", fallback=None)",
        "password_encryption = scram-sha-256",
        "at sendReset (/app/password-reset.service.js:44:19)",
        "secret_id = \"arn:aws:secretsmanager:eu-central-1:111122223333:secret:prod/orders/db-27XkqT\"",
        "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
        "-----BEGIN RSA PRIVATE KEY-----\n...\n-----END RSA PRIVATE KEY-----",
        "committed 53b5c901a01128cbae57ff64fc2b473353b5c901",
    ] {
        assert_eq!(check(text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn a_rule_file_with_a_mistake_is_refused() {
    assert!(build("x = 1").is_err());
    assert!(build("[[rule]]\nname='x'\nkeywords=['x']\nregex='('\n").is_err());
    assert!(build("[[rule]]\nname='x'\nkeywords=['x']\nregex='x'\nshade=1\n").is_err());
}

#[test]
fn secrets_as_developers_paste_them() {
    let hex = "9c1f7a25e08b4d36".repeat(4);
    let salt = key(&["k{3|Qz+v!Y8@dLp^0w?M;R&=tB#s~X1<n>", "${r-h:36NRSp+-|htA%%-="]);
    let cases = [
        (
            format!("x-lantern-team: {}\n", key(&["65W9fa4vQ6", "awewaE7fpf"])),
            key(&["65W9fa4vQ6", "awewaE7fpf"]),
        ),
        (format!("define('NONCE_SALT', '{salt}');"), salt.clone()),
        (format!("new Wallet(\"0x{hex}\", node)"), format!("0x{hex}")),
        (format!("accounts: [\"0x{hex}\"]"), format!("0x{hex}")),
        ("new PDO('mysql:host=a;dbname=b', 'web', 'L1nden-Hof')".into(), "L1nden-Hof".into()),
        ("mysqli_connect(\"db\", \"web\", \"L1nden-Hof\", \"shop\")".into(), "L1nden-Hof".into()),
        ("new NetworkCredential(\"svc\", \"L1nden-Hof\", \"HQ\")".into(), "L1nden-Hof".into()),
        ("expect \"*assword:\"\nsend -- \"L1nden-Hof\\r\"".into(), "L1nden-Hof".into()),
        ("c.expect('password: ')\nc.sendline('L1nden-Hof')".into(), "L1nden-Hof".into()),
        ("keytool -list -srcstorepass L1nden-Hof3".into(), "L1nden-Hof3".into()),
        ("I changed my password from reed7bird to Reed!8bird, and".into(), "reed7bird".into()),
        ("I changed my password from reed7bird to Reed!8bird, and".into(), "Reed!8bird".into()),
        ("mot de passe changé de Roseau-71 en Roseau-72, puis".into(), "Roseau-72".into()),
        ("The new password is Reed!8bird; the old one (Reed!7bird) stops".into(), "Reed!7bird".into()),
        ("la contraseña es Junco.Alto.4. La anterior (Otono2019) ya no".into(), "Otono2019".into()),
    ];
    let wrong: Vec<_> = cases
        .iter()
        .filter(|(text, want)| {
            !check(text).iter().any(|found| found.split_once(' ').is_some_and(|f| f.1 == want))
        })
        .map(|(text, _)| format!("{text}: {:?}", check(text)))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_stands_for_a_secret_or_tells_of_one_is_none() {
    let hash = "85888ec58d36888323cc10f09a9432ec";
    for text in [
        "spring.mail.password=@mail.password@".to_owned(),
        "SMTP_PASS=#{smtp.pass}".to_owned(),
        "API_KEY=__API_KEY__".to_owned(),
        "github tokens: ^gh[pousr]_[A-Za-z0-9]{36}$".to_owned(),
        "the password = (?i)[a-z]{8,}\\d+ rule".to_owned(),
        format!("checksum/secret: {hash}{hash}"),
        key(&["Sec-WebSocket-Key: dGhlIHNhbXBsZSB", "ub25jZQ=="]),
        key(&["publishable: pk_", "live_", "WRqiYxrSE8X64GLPv3EIkCuv"]),
        "password CHAR(60),".to_owned(),
        "x-request-id: 65W9fa4vQ6awewaE7fpflr".to_owned(),
        "I moved from passwords to passkeys in 2024".to_owned(),
        "expect \"password:\"\nsend \"$password\\r\"".to_owned(),
        "The new password policy replaces the old one (see v2)".to_owned(),
    ] {
        assert_eq!(check(&text), Vec::<String>::new(), "{text}");
    }
    for (key, text) in [("password", "string;"), ("login.password", "Passwort\","), ("password", "char(60),")]
    {
        let mut out = Vec::new();
        find(text.as_bytes(), key, &mut out);
        assert!(out.is_empty(), "{key}: {text}");
    }
}

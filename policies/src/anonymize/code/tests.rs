//! What stays and what goes in texts of developers, through all detectors.

use crate::anonymize::tests::tables::{detected, missing, typed, unasked};

fn check(text: &str) -> Vec<String> {
    typed(text, &detected(text, "default"))
}

#[test]
fn what_programs_call_their_things_is_nobodys() {
    for text in [
        "securitySchemes:\n    bearerAuth: { type: http }\n    apiKey: { type: apiKey, in: header }",
        "Route table rtb-0fbd1565232d084e1 looks default.",
        "auth-api-7d9c5b6f4-x2kqv 1/1 Running 0 3d",
        "SHA1: EA:EA:93:0B:34:0F:8D:C2:78:AA",
        "legacy XXXXXXXX-XXXX-XXXX-XXXX-XXXXXXXXXXXX",
        "brand palette: #0B3954 #087E8B #BFD7EA",
    ] {
        assert_eq!(check(text), Vec::<&str>::new(), "{text}");
    }
}

#[test]
fn names_of_things_are_nobodys() {
    let wrong = unasked(
        check,
        &[
            "env:\n  - name: LEDGER_PASSWORD\n    valueFrom:\n      secretKeyRef:\n        name: ledger-credentials\n",
            "[package]\nname = \"quill-tls\"\nedition = \"2021\"\n",
            "provider:\n  name: lantern\n  runtime: nodejs\n  region: eu-west-3\n",
            "git fetch origin --prune --tags --force",
            "pay = brickyard.BrickyardGateway(\n    brickyard.Configuration(env)\n)",
            "credentials = new NetworkTicket(source);",
            "CREATE TABLE logins (\n  username VARCHAR(64) NOT NULL,\n  token TEXT\n);",
            "interface Form {\n  username: string;\n  password: string;\n}",
            "form.username=Identifiant\nform.submit=Connexion\n",
            "fallback to us-gov-west-1 when eu-north-1 is down",
            "wandb: run amber-lake-212 | loss 1.203 | seed 4242",
            ">chr7\nCACCGCAGCATGTCAAGATCACAGATTTTGGGCTGGCCAAACTGCTGGGTGCGG\nfind the variant",
            "the InChIKey XLYOFNOQVPJJNP-UHFFFAOYSA-N. draw it",
            "Upgrade: websocket\nSec-WebSocket-Version: 13\nSec-WebSocket-Accept: x\n",
        ],
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn people_in_code_and_logs_stay() {
    let wrong = missing(
        check,
        &[
            ("{\"patient\":\"Maria Lopez\",\"ward\":3}", "NAME Maria Lopez"),
            (
                "log.info(\"patient={}\", \"Maria Lopez\"); // patient_name: \"Maria Lopez\"",
                "NAME Maria Lopez",
            ),
            ("commit 1f0c\nAuthor: Jane Roe <jane@roe.example>\nDate: x\n", "EMAIL jane@roe.example"),
            ("commit 1f0c\nAuthor: Jane Roe <jane@roe.example>\nDate: x\n", "NAME Jane Roe"),
            ("level=info msg=\"login ok\" user=mwebber_7 ip=10.2.3.9", "USERNAME mwebber_7"),
            ("level=info msg=\"login ok\" user=mwebber_7 ip=10.2.3.9", "IP_ADDRESS 10.2.3.9"),
            ("const customer = { name: 'Maria Lopez', vip: true };", "NAME Maria Lopez"),
            ("my chart is MRN: 62283503 login kirk_31. help me. -Rosalind", "NAME Rosalind"),
            ("users:\n  - name: Maria Lopez\n    shell: /bin/zsh\n", "NAME Maria Lopez"),
            ("if (user.email === 'jane@roe.example') { ban(user); }", "EMAIL jane@roe.example"),
            (
                "Pan Beneš z firmy Stavby Morava s.r.o. napsal z benes_r71@roe.example.",
                "ORG Stavby Morava s.r.o.",
            ),
        ],
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn numbers_of_machines_are_nobodys() {
    let wrong = unasked(
        check,
        &[
            "00000010: 0300 3e00 0100 0000 4948 4452 0000 0200  ..>.....",
            "00000000  41 4e 44 52 4f 49 44 21  80 51 9a 00 00 80 00 10  |ANDROID!|",
            "size 438291120",
            "trx 421948821047731, LSN 1182730049, thread 140231991",
            ":040000 040000 fa8e55c9f99d9989 3c192df04523492f M src",
            "{\"level\":30,\"time\":1718002291883,\"msg\":\"ok\"}",
            "9182736450 bytes in 41 partitions",
            "curl: (67) Access denied",
            "got: sha256-034F/FD30taQZiECWv95rfbGuFyoFl2C5tfgaA7db0",
            "<path d=\"M3.59-8 8-8 8 3.59 8 8-3.59 8-8 8zm.5-13H11v6l5.25 3.15.75-1.23-4.5-2.67V7z\"/>",
            "\"dependencies\": { \"quill\": \"4.17.21\", \"inkwell\": \"2.6.2\" }",
            "quill==2024.6.2 --hash=x",
            "new Ledger(key, { apiVersion: '2024-06-20' });",
            "driver 550.90.07, runtime 12.4, quillNN 8.9.7.29, firmware 10.14.3.1",
            "server.build_job('web', {'REF': 'v2.14.0'})",
        ],
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn numbers_of_people_and_days_stay() {
    let wrong = missing(
        check,
        &[
            ("{\"dob\": \"4.12.81\", \"x\": {}}", "DATE 4.12.81"),
            ("born: '1990-05-21', name: 'x' });", "DATE 1990-05-21"),
            ("O CPF da mãe é 364.390.436-33 e a Joana ligou", "ID 364.390.436"),
            ("host 8.8.4.4 did not answer, curl 8.5.0 says", "IP_ADDRESS 8.8.4.4"),
            ("call me on 0800 000 1000 today", "PHONE 0800 000 1000"),
            ("Maria Lopez (47) was seen", "AGE 47"),
        ],
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn opaque_codes_are_whose_their_words_say() {
    let (one, two) = ("f8868965-fc4d-4aca-80de-c579c3285499", "636ab471-c47c-4d4a-9c60-ff5db3c90789");
    let found = |text: String| check(&text).iter().filter(|found| found.starts_with("ID ")).count();
    for text in [
        format!("dedupe these and sort:\n{one}\n{two}"),
        format!("the list endpoint returns {one} and {two} only"),
        format!("CLSID {{{one}}} is missing, see regsvr32"),
        "Which ULID is newer, 01J0G5J39VVRMNX3NTYF1JCZ0Q?".to_owned(),
        "md5 of the dumps differ: 2534988a187c6269b4c09b414b2ec4e6 vs x".to_owned(),
        "traceparent: 00-18b601b160f9c97395741b246e385578-187bb05946c2be78-01".to_owned(),
    ] {
        assert_eq!(found(text.clone()), 0, "{text}");
    }
    for text in [
        format!("SELECT * FROM visits WHERE user_id = '{one}';"),
        format!("log.info(\"patient {one} moved\");"),
        format!("the patients, dedupe and sort them:\n{two}\n{one}"),
        format!("curl api -H x: y; session key {one}"),
        format!("please look up {one} for me"),
        one.to_owned(),
    ] {
        assert!(found(text.clone()) > 0, "{text}");
    }
}

#[test]
fn a_name_before_a_run_of_base64_is_no_part_of_it() {
    let run = ["SVFvSmIzSnBa", "MmwyWld4NUlH", "MWhhV3h2", "Y0dsaw=="].concat();
    let text = format!("LANTERN_EXPORT_BLOB={run}{run}{run}{run}{run}{run}{run}");
    assert!(!check(&text).iter().any(|found| found.contains("LANTERN")), "{:?}", check(&text));
}

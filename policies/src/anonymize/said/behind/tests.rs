//! Codes behind words of many languages, and sentences that hold none.

use super::*;
use crate::anonymize::tests::tables::{missing, typed, unasked};
use crate::anonymize::words::small;

fn check(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    find(text, &small(text), &Begins::of(text.as_bytes()), &mut out);
    typed(text, &out)
}

#[test]
fn codes_of_orders_contracts_and_journeys() {
    let wrong = missing(
        check,
        &[
            ("la commande n\u{b0} FR-829104, le livreur", "ID FR-829104"),
            ("polizza 78-4482019, sinistro", "ID 78-4482019"),
            ("34-jährig, Police 14.882.917-3, Ereignis", "ID 14.882.917-3"),
            ("reserva 7KQZ2M.", "ID 7KQZ2M"),
            ("Doc no. KX440917, issued", "LICENSE_ID KX440917"),
            ("Karte (Zahl: IFA 4409-117/22) erteilt", "ID IFA 4409-117/22"),
            ("wat is uw klantnummer?\nklant> 7714-208. pin", "ID 7714-208"),
            ("nhận phòng, mã QTX418.", "ID QTX418"),
            ("Verwendungszweck RL-448203.", "ID RL-448203"),
            ("saaja Oy, viite 31907 44162.", "ID 31907 44162"),
            ("Reklamację nr S/2023/7714 proszę", "ID S/2023/7714"),
            ("патент 50 No 1804417302, работает", "LICENSE_ID 50 No 1804417302"),
            ("신한은행 110-448-203177, 예금주", "ACCOUNT 110-448-203177"),
            ("nr rej. WA 4K718 należy", "ID WA 4K718"),
            ("Registreringsnumret är PTR 27K och", "ID PTR 27K"),
            ("sofőr KLMN-208 rendszámú autója", "ID KLMN-208"),
            ("o seu contrato n.o 2024/118302 com", "ID 2024/118302"),
            ("l'abbonamento n. AB/573160 addebitato", "ID AB/573160"),
            ("over polis WA-5730.616.", "ID WA-5730.616"),
            ("your parcel JD0002 7741 9036 will", "ID JD0002 7741 9036"),
            ("Offerte 2025-0693 für", "ID 2025-0693"),
            ("Penalty charge notice LH60935512 was", "ID LH60935512"),
            ("pour la police AUT-6620418, au nom", "ID AUT-6620418"),
            ("umowa nr UM/88/4471 z dnia", "ID UM/88/4471"),
            ("pojistná smlouva č. 8603 114 228", "ID 8603 114 228"),
            ("försäkring nr 55-83912 gäller", "ID 55-83912"),
            ("sopimus 4471-8820 päättyy", "ID 4471-8820"),
            ("sözleşme no 7781-4420", "ID 7781-4420"),
            ("договор No 118-22/7 от", "ID 118-22/7"),
            ("κράτηση KX72PL για", "ID KX72PL"),
            ("rendelés száma: R-448120", "ID R-448120"),
            ("ugovor br. 2214-887 s", "ID 2214-887"),
            ("Ihre Schadennummer S-2024-118827 bitte", "ID S-2024-118827"),
            ("Schadenummer 2024.44817 graag", "ID 2024.44817"),
            ("skadenummer: 448-172", "ID 448-172"),
            ("vakuutusnumero 448-1720-31", "ID 448-1720-31"),
            ("Полис серии ХХХ No 0448172031 истек", "ID ХХХ No 0448172031"),
            ("Aktenzeichen 12 C 448/23 beim", "ID 12 C 448/23"),
            ("hợp đồng số HD-44820", "ID HD-44820"),
            ("kontrak nomor KT-88120", "ID KT-88120"),
        ],
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn papers_persons_and_accounts() {
    let wrong = missing(
        check,
        &[
            ("mit dem Reisepass CFGH2K9MT ausweisen", "LICENSE_ID CFGH2K9MT"),
            ("passaporte AAF316570, chega", "LICENSE_ID AAF316570"),
            ("passeport 19FV36905 présenté", "LICENSE_ID 19FV36905"),
            ("Führerschein 15/602914, serb", "LICENSE_ID 15/602914"),
            ("traigo licencia R07316540.", "LICENSE_ID R07316540"),
            ("patente U1K53760R, assunto", "LICENSE_ID U1K53760R"),
            ("tem a carta P-1536470 3.", "LICENSE_ID P-1536470 3"),
            ("Mein Personalausweis L4821R9T78 ist", "LICENSE_ID L4821R9T78"),
            ("my passport number is 533128745.", "LICENSE_ID 533128745"),
            ("numéro de passeport : 18AB44120", "LICENSE_ID 18AB44120"),
            ("dowód osobisty ABA 300000 wydany", "LICENSE_ID ABA 300000"),
            ("Pas č. 44817203 ukraden", "LICENSE_ID 44817203"),
            ("паспорт 4510 882014 выдан", "LICENSE_ID 4510 882014"),
            ("RG 36.150.729-X, CNH", "ID 36.150.729-X"),
            ("CIF B46203717, y", "ID B46203717"),
            ("NSS 32 84 61 1029 7, ingresó", "ID 32 84 61 1029 7"),
            ("Rentenversicherungsnummer 65 180572 K 054, ist", "ID 65 180572 K 054"),
            ("VAT reg GB 284 0917 45.", "ID GB 284 0917 45"),
            ("Carte d'assurance maladie : TREM 7854 1923\nPat", "HEALTH_PLAN TREM 7854 1923"),
            ("número de afiliación es el 49/0382917491.", "ID 49/0382917491"),
            ("na conta 1573-2 / 62094-6. Ros", "ACCOUNT 1573-2 / 62094-6"),
            ("mon compte 815-30264-0571938 pour", "ACCOUNT 815-30264-0571938"),
        ],
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn plates_and_postcodes() {
    let wrong = missing(
        check,
        &[
            ("issued to vehicle YK19 VBD at 17:52", "ID YK19 VBD"),
            ("the gray sedan, tag QTR X19, by", "ID QTR X19"),
            ("Cab no. KA 03 MJ 7059 is", "ID KA 03 MJ 7059"),
            ("La macchina targata GE 735 KB è", "ID GE 735 KB"),
            ("Fahrzeug ZH 657 094, Lenkerin", "ID ZH 657 094"),
            ("samochód WX 4471K stał", "ID WX 4471K"),
            ("bilen ABC 12D stod", "ID ABC 12D"),
            ("автомобиль А123ВС 77", "ID А123ВС 77"),
            ("C.P.: 44160\n", "POSTCODE 44160"),
            ("CP 44160", "POSTCODE 44160"),
            ("CAP 20121", "POSTCODE 20121"),
            ("PSČ 110 00", "POSTCODE 110 00"),
            ("PLZ 8010", "POSTCODE 8010"),
            ("kod pocztowy 00-950", "POSTCODE 00-950"),
            ("CEP 01310-100", "POSTCODE 01310-100"),
        ],
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn sentences_without_codes() {
    let wrong = unasked(
        check,
        &[
            "the order 2020 shares",
            "case 3 of 4",
            "version 2.3.1 of the contract",
            "Police station",
            "Police 110, Feuerwehr 112",
            "the user interface",
            "a contract worth 10000 euros",
            "the policy 2021 revision",
            "a fine of 50 EUR",
            "multa de 300 euros",
            "la factura de 1.250,00 \u{20ac}",
            "Rechnung über 120,50 EUR",
            "eine Rechnung vom 12.03.2024",
            "der Vertrag 2024/25 läuft",
            "contract Q3-2024",
            "the ISO contract ISO-27001 holds",
            "claim 5G is fast",
            "the car BMW 320 is new",
            "das Auto VW ID3 von 2020",
            "car GLA 250 for sale",
            "vehicle HTML5 demo",
            "Fahrzeug mit 150 PS",
            "voiture de 2019",
            "coche de 4 puertas",
            "auto 15000 km",
            "bil 2 av 3",
            "la carta 3 de 5",
            "licence GPL-3.0",
            "license MIT 2024",
            "passport photos 35x45",
            "permis B depuis 2012",
            "patente europea",
            "account 5000 dollars",
            "cuenta con 300 000 habitantes",
            "le compte est bon",
            "the cap 15000 is high",
            "zip 4096 files",
            "postcode lottery 2024",
            "commande de 12 pizzas",
            "bestelling van 3000 stuks",
            "zamówienie na 5000 sztuk",
            "договор от 12.03.2024",
            "заказ на 15000 рублей",
            "szerződés 2024. január 5.",
            "tag 10:30:00",
            "am Tag 15 der Reise",
            "ticket price 35 EUR",
            "run 1234567 tests",
            "Zimmernummer 1204 im Hotel",
            "Artikelnummer 4471-22 ist aus",
            "Modellnr. X4471-22",
            "order-2041 was the branch",
            "SELECT order_id FROM client_2024",
        ],
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn short_forms_and_words_of_scripts_without_spaces() {
    let mut wrong = missing(
        check,
        &[
            ("conf code is R7KWQM, last name", "ID R7KWQM"),
            ("challan no. MH/24/0071882, owner", "ID MH/24/0071882"),
            ("Hr. Berger, Kd.Nr. 41-227710, Zähler", "ID 41-227710"),
            ("Immat. FB-118-KT / VIN", "ID FB-118-KT"),
            ("keeper change for MT21 KXO please", "ID MT21 KXO"),
            ("Varebilen DN 41822 leverte", "ID DN 41822"),
            ("गाड़ी नंबर UP32 BK 7710 को", "ID UP32 BK 7710"),
            ("पॉलिसी संख्या 55-9120334 का", "ID 55-9120334"),
            ("您的保單號碼PX-8801244已", "ID PX-8801244"),
            ("郵遞區號106，收件", "POSTCODE 106"),
            ("身份證A123456(3)。", "LICENSE_ID A123456(3)"),
            ("3층 (우) 06236로", "POSTCODE 06236"),
        ],
    );
    wrong.extend(unasked(
        check,
        &[
            "v5 for 12 users",
            "memo 3 of 4",
            "conf code review 2",
            "consumer price 2024",
            "utilitaire de 2019",
            "郵遞區號是什么",
            "vozu 2 roky",
        ],
    ));
    assert!(wrong.is_empty(), "{wrong:#?}");
}

//! Everyday sentences of many languages under `default`: what must be masked, and what is nobody's.

use super::tables::detected;

/// Is every letter and digit of `want` in `text` under some finding?
fn covers(text: &str, want: &str) -> bool {
    let found = detected(text, "default");
    let Some(start) = text.find(want) else { return false };
    want.char_indices()
        .filter(|(_, c)| c.is_alphanumeric())
        .all(|(at, _)| found.iter().any(|f| f.start <= start + at && start + at < f.end))
}

#[test]
fn what_people_write_of_themselves() {
    let all = [
        ("chodzi do Szkoły Podstawowej nr 3 na zmianę", "Szkoły Podstawowej nr 3"),
        ("leżę w Szpitalu Bielańskim od wtorku, sala 12", "Szpitalu Bielańskim"),
        ("Sraz je u Hlavního nádraží v 17.30, vlak má zpoždění", "17.30"),
        ("platnost techničáku končí 14.2. a musím na STK", "14.2"),
        ("Mama leží v Nemocnici Ružinov na treťom poschodí", "Nemocnici Ružinov"),
        ("számlaszámom: 11600006-00000000-45678912, köszönöm, Piroska néni", "Piroska"),
        ("Kerekes úr keresett a 06 30 412 8890 számról", "Kerekes"),
        ("Мене забрали до лікарні Мечникова о 03:15", "лікарні Мечникова"),
        ("kullanıcı adım merve.kaya34, şifrem Zeytin#55x giremiyorum", "Zeytin#55x"),
        ("Moin, Tjark hier von der Rezeption, Ihr Zimmer ist fertig", "Tjark"),
        ("Kd.-Nr. 44-90217, Ablesung vom 3.4., bitte prüfen", "44-90217"),
        ("Kd.-Nr. 44-90217, Ablesung vom 3.4., bitte prüfen", "3.4"),
        ("Afleveren: Brouwersgracht 44-III, 1013 GX Amsterdam", "Brouwersgracht 44-III"),
        ("on se retrouve gare de Perrache à 8h05", "gare de Perrache"),
        ("El tren sale de la estación de Atocha a las 7:15", "estación de Atocha"),
        ("ho perso lo zaino alla stazione di Bologna Centrale ieri", "stazione di Bologna Centrale"),
        ("Min dotter går på Björkbackaskolan, hon är 8.", "Björkbackaskolan"),
        ("Farfar bor på Ekens äldreboende i Sala", "Ekens äldreboende"),
        ("muutan osoitteeseen Lehtotie 12 B 8, 00630 Helsinki", "Lehtotie 12 B 8"),
        ("スミス様のご予約、平成2年4月1日生まれで確認", "スミス"),
        ("スミス様のご予約、平成2年4月1日生まれで確認", "平成2年4月1"),
        ("我妈妈在协和医院住院，下午3点半手术", "协和医院"),
        ("保单号码PX-880124查询一下", "PX-880124"),
        ("아이가 5살이고 푸른솔어린이집에 다녀요", "푸른솔어린이집"),
        ("पॉलिसी संख्या LIC-4418820 और वाहन नंबर UP32 BK 7710", "UP32 BK 7710"),
        ("डॉक्टर सुबह 9:15 बजे आएंगे", "9:15"),
        (
            "Em ở 25/3 ngõ 102 Khương Trung, Phường Khương Đình, Hà Nội",
            "25/3 ngõ 102 Khương Trung, Phường Khương Đình",
        ),
        ("Chị Hạnh ơi, 3 giờ 30 chiều em qua nhé", "3 giờ 30"),
        ("Pak Sutrisno, umur 58 th, dirawat di RSUD Moewardi", "58 th"),
        ("my nan Doreen, she's 91, is at Kettering station waiting", "Kettering station"),
        ("change of keeper for MT21 KXO please", "MT21 KXO"),
        ("conf no R8KQ2L for the hotel", "R8KQ2L"),
    ];
    let wrong: Vec<_> = all.iter().filter(|(text, want)| !covers(text, want)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_people_ask_of_things() {
    let all = [
        "Für den Teig 30 dag Mehl, zwei Eier und etwas Butter verrühren.",
        "Wie hoch ist die Busse innerorts nach Abzug der Toleranz von 5 km/h?",
        "Koľko stojí nový ventil a koľko tesnenie na čerpadlo?",
        "Ile kosztuje farba do ściany i dlaczego schnie tak długo?",
        "Harga beras naik, berapa biaya listrik per bulan?",
        "Kuinka paljon suolaa tulee leipään, jos jauhoja on 1 kg?",
        "Mennyi liszt kell a tésztához, és miért drága a vaj?",
        "Supa se fierbe o oră cu trei morcovi și 300 ml de apă.",
        "Asse o bolo a 180 °C por 40 minutos e deixe esfriar.",
        "Waarom brandt de lamp niet meer sinds de storing?",
        "चावल में दो कप पानी और आधा चम्मच नमक डालें।",
        "Kondensator 40 µF apakah cocok untuk pompa 250 watt?",
        "The router gives 300 Mbps on 5 GHz and 80 Mbps on 2.4 GHz.",
        "Is the 10-year guarantee on the compressor valid after a move?",
        "Das steht in Kapitel 12.1. und wird in 3.2. erklärt.",
        "La stazione era chiusa e l'aeroporto pure.",
        "The station and the airport are closed on holidays.",
    ];
    let wrong: Vec<_> = all
        .iter()
        .map(|text| (text, detected(text, "default")))
        .filter(|(_, found)| !found.is_empty())
        .map(|(text, found)| (text, found.iter().map(|f| &text[f.start..f.end]).collect::<Vec<_>>()))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

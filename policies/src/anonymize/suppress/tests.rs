//! What the lists keep, and what they must not.

use std::collections::{BTreeSet, HashSet};

use super::*;
use crate::anonymize::detect::{Place, detect};
use crate::anonymize::policy::Policy;

fn check(text: &str) -> Vec<&str> {
    let policy = Policy::preset("hipaa").unwrap();
    let keep = |ty: Type| policy.mode_of(ty) == crate::anonymize::kind::Mode::Keep;
    let mut found = detect(text, "", Place::Text, &policy);
    found.retain(|f| f.score >= policy.mask_at && !keep(f.ty));
    let found: BTreeSet<_> = found.iter().map(|f| (f.start, f.end)).collect();
    found.into_iter().map(|(start, end)| &text[start..end]).collect()
}

#[test]
fn lists_are_long_enough() {
    let drugs: HashSet<&str> =
        lines(include_str!("../../../suppress/drugs.txt")).flat_map(|l| l.split(' ')).collect();
    assert!(drugs.len() >= 1_500, "{}", drugs.len());
    let eponyms = include_str!("../../../suppress/eponyms.txt");
    let names: HashSet<&str> = section(eponyms, "name").collect();
    assert!(names.len() + section(eponyms, "whole").count() >= 600, "{}", names.len());
}

#[test]
fn a_name_and_its_disease() {
    assert_eq!(check("Mr. Parkinson has Parkinson disease"), ["Parkinson"]);
    assert_eq!(
        check("What are the side effects of metformin in patients with Hashimoto thyroiditis?"),
        Vec::<&str>::new()
    );
}

#[test]
fn a_frame_of_persons_makes_a_person_of_an_eponym() {
    for (text, want) in [
        ("He was seen by K. Parkinson and sent home", "K. Parkinson"),
        ("d/w Hodgkin and Jackie from CM", "Hodgkin"),
        ("What trend do you see? Parkinson thinks bleeding.", "Parkinson"),
        ("ETT above carina. d/w the team at 0200. C.F.", "C.F"),
    ] {
        assert!(check(text).contains(&want), "{text}: {:?}", check(text));
    }
    for text in
        ["she sees a decline in Parkinson's", "Compare Boerhaave vs Mallory-Weiss.", "bed 4, Lambert-Eaton"]
    {
        assert!(check(text).is_empty(), "{text}: {:?}", check(text));
    }
}

#[test]
fn identifier_free_prompts_stay() {
    let mut wrong: Vec<String> = Vec::new();
    for text in [
        "Explain the Glasgow Coma Scale and the Wells' score for a patient with dyspnea.",
        "Patient Apgar score was 9.",
        "How does Boston criteria differ from the Framingham criteria?",
        "Summarize the evidence for Keytruda versus Opdivo in stage III melanoma.",
        "Start Lasix 40 mg IV and recheck potassium in 4 hours.",
        "Patient Health Questionnaire was positive.",
        "Positive Babinski sign and Romberg test.",
        "What is the CHA2DS2-VASc of a woman with diabetes?",
        "Child-Pugh class B cirrhosis, MELD 14.",
        "Write a Python script with Pandas that reads a CSV.",
        "Dear ChatGPT, please translate this into French.",
        "BP 120/80, HR 72, RR 16, SpO2 98% on room air.",
        "Grew E. coli and S. aureus; treat with Bactrim DS.",
        "Differential: Crohn's disease vs. ulcerative colitis.",
        "CT of the abdomen shows no acute process.",
        "Is it safe to combine Zoloft and St. John's wort?",
        "History of Graves disease, s/p thyroidectomy.",
        "When should I use a Foley catheter after a Whipple procedure?",
        "Assess with the Montreal Cognitive Assessment and the Beck Depression Inventory.",
        "Lactated Ringer's 1000 mL bolus.",
        "Discuss management of Type 2 diabetes in adults over 65.",
        "List 5 causes of hyponatremia.",
        "May I take ibuprofen with warfarin?",
        "Follow up in 2 weeks with primary care.",
        "Look for Frank's sign, Levine's sign and Cullen's sign.",
        "Compare Bartter vs Gitelman syndrome.",
        "Whipple vs Puestow vs Frey vs Beger for chronic pancreatitis?",
        "\"Cullen, Rovsing, Kehr, Blumberg\" - one clause for each sign",
        "QTc of 512 ms (Fridericia), K 3.2",
        "Is this Evans syndrome or a Hampton hump?",
        "Explain the Killian-Jamieson diverticulum and the Young-Burgess classification.",
        "Use the Wong-Baker faces scale.",
        "Vitals: T 38.1, HR 104, RR 24, SpO2 88% RA.",
        "Lyme vs Rocky Mountain spotted fever vs West Nile: which rash where and when?",
        "Minnesota tube vs Sengstaken-Blakemore vs Linton-Nachlas, inflate to what?",
        "Lund-Browder for the toddler, rule of nines for the adult?",
        "O: 88/52, 124, Hb 6.9, BUN 54/Cr 1.1",
    ] {
        if !check(text).is_empty() {
            wrong.push(format!("{text}: {:?}", check(text)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

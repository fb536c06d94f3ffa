//! Names in many frames and languages, and texts without one.

use super::*;
use crate::anonymize::field;

fn check(text: &str) -> Vec<String> {
    let reading = Reading::of(text);
    let mut out = Vec::new();
    field::find(&reading, "", &mut out);
    find(&reading, &mut out);
    out.iter().map(|f| format!("{} {}", f.ty, &text[f.start..f.end])).collect()
}

#[test]
fn names_in_frames() {
    let mut wrong: Vec<String> = Vec::new();
    for (text, want) in [
        ("Mr. Osgood was seen", "NAME Osgood"),
        ("Rm 289 Srinivasan NSTEMI, NPO", "NAME Srinivasan"),
        ("bed 12 Lockhart refusing zosyn", "NAME Lockhart"),
        ("SBAR for Addison, bed 23", "NAME Addison"),
        ("dispo: Escobedo (SW) working on it", "NAME Escobedo"),
        ("1415. Lindqvist seen and examined with team", "NAME Lindqvist"),
        ("Mrs Ilse van der Brink called", "NAME Ilse van der Brink"),
        ("Dr. O'Hanlon's office", "NAME O'Hanlon"),
        ("Frau Dr. Köhler-Weiß kommt", "NAME Köhler-Weiß"),
        ("Mme Lefèvre est venue", "NAME Lefèvre"),
        ("la Sra. de la Peña llamó", "NAME de la Peña"),
        ("Sig. Bellandi", "NAME Bellandi"),
        ("Dhr. ten Hove", "NAME ten Hove"),
        ("Pani Nowicka", "NAME Nowicka"),
        ("Pan Zieliński", "NAME Zieliński"),
        ("Fru Lindqvist", "NAME Lindqvist"),
        ("господин Орлов", "NAME Орлов"),
        ("Mr. Halden Jr. left", "NAME Halden Jr"),
        ("Patient: Doe-Marsh, Elena R. DOB 1/2/1970", "NAME Doe-Marsh, Elena R"),
        ("Patient name: elena marsh", "NAME elena marsh"),
        ("Pt: Marsh E", "NAME Marsh E"),
        ("Attending: Dr. Quill, MD", "NAME Quill"),
        ("Provider: Tova Lindgren, MD", "NAME Tova Lindgren"),
        ("Signed by: Tova Lindgren", "NAME Tova Lindgren"),
        ("From: Tova Lindgren <tl@x.org>", "NAME Tova Lindgren"),
        ("To: Ann Quill <a@x.org>; Bo Marsh <b@x.org>", "NAME Bo Marsh"),
        ("Dear Ottilie, thank you", "NAME Ottilie"),
        ("Hi Marek, can you", "NAME Marek"),
        ("Kind regards,\nTova Lindgren", "NAME Tova Lindgren"),
        ("Thanks,\nMarek", "NAME Marek"),
        ("my name is elena marsh", "NAME elena marsh"),
        ("I am Elena Marsh and", "NAME Elena Marsh"),
        ("This is Marek Quill speaking", "NAME Marek Quill"),
        ("a man named Osric", "NAME Osric"),
        ("his wife Anneke drove", "NAME Anneke"),
        ("her mother, Ruth Levin, said", "NAME Ruth Levin"),
        ("daughters Mia, Lea and Ida came", "NAME Ida"),
        ("seine Tochter Lieselotte", "NAME Lieselotte"),
        ("su hija Marisol", "NAME Marisol"),
        ("son mari Thibault", "NAME Thibault"),
        ("sua moglie Ornella", "NAME Ornella"),
        ("ich heiße Lieselotte Braun", "NAME Lieselotte Braun"),
        ("Je m'appelle Thibault Garnier.", "NAME Thibault Garnier"),
        ("Me llamo Marisol Duarte", "NAME Marisol Duarte"),
        ("Mi chiamo Ornella Bassi", "NAME Ornella Bassi"),
        ("Ik heet Anneke de Wit", "NAME Anneke de Wit"),
        ("Nazywam się Bożena Kruk", "NAME Bożena Kruk"),
        ("Jag heter Sixten Ek", "NAME Sixten Ek"),
        ("seen by J. Marsh today", "NAME J. Marsh"),
        ("Tova Q. Lindgren wrote", "NAME Tova Q. Lindgren"),
        ("Tova Lindgren, MD", "NAME Tova Lindgren"),
        ("Regards, Abdul al-Hakim", "NAME Abdul al-Hakim"),
        ("Patient Osgood was moved", "NAME Osgood"),
        ("username: ann_b77", "USERNAME ann_b77"),
        ("ping @marsh_elena please", "USERNAME marsh_elena"),
        ("Dr. Marsh", "TITLE Dr"),
        ("患者: 山田太郎", "NAME 山田太郎"),
    ] {
        if !check(text).iter().any(|f| f == want) {
            wrong.push(format!("{text}: {:?}", check(text)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_names() {
    let mut wrong: Vec<String> = Vec::new();
    for text in [
        "I am writing about my order",
        "This is Great",
        "Dear Customer,",
        "Dear Sir or Madam",
        "Hi there",
        "Hello World",
        "Thanks, Can you help",
        "Patient reports pain",
        "Patient: Denies chest pain",
        "MR Angiography of the head",
        "the doctor said",
        "call me at noon",
        "user: how do I do this?",
        "Provider: unknown",
        "He is called often",
        "my wife is ill",
        "Best, and more",
        "E. coli grew",
        "A. First point",
        "Name: ",
        "From: Monday to Friday",
        "Hi Team,",
        "patient MRI was clear",
        "I'm Canadian",
        "see @param and @Override(x)",
        "the nurse told him",
        "Contact: see website",
        "To: be done",
        "Subject: Re: Invoice",
        "mother and father are healthy",
        "Signed: yes",
        "Physician: recommends MRI",
        "Nurse: administered Zofran 4 mg",
        "Resident: PGY-2 on call",
        "Mother: Breast cancer at 52",
        "Patient Education: Asthma",
        "From: Radiology",
        "my son has asthma",
        "What is the sr value",
        "thank you for your help",
    ] {
        if !check(text).is_empty() {
            wrong.push(format!("{text}: {:?}", check(text)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

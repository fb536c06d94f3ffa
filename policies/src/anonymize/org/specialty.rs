//! Specialties: `Okafor Cardiology` is a practice, `Interventional Radiology` and `Paged Surgery` are departments that every
//! hospital has.
//!
//! **Invariant:** a word that says which part of a specialty is meant, or what was asked of it, names no practice.

use std::sync::LazyLock;

use crate::anonymize::cue::{Cue, Reading};
use crate::anonymize::quick::Set;
use crate::anonymize::words::Caps;

static SPECIALTIES: LazyLock<Set<&'static str>> = LazyLock::new(|| {
    "allergy audiology cardiology cardiothoracic dentistry dermatology dermatopathology diagnostics endocrinology
     endodontics gastroenterology genetics genomics gynecology gynaecology hematology haematology hepatology imaging
     immunology midwifery nephrology neurology neurosurgery obstetrics oncology ophthalmology optometry orthodontics
     orthopaedics orthopedics otolaryngology paediatrics pathology pediatrics perinatology periodontics physiatry
     physiotherapy podiatry prosthodontics psychiatry psychology pulmonary pulmonology radiology rheumatology surgery
     urogynecology urology"
        .split_whitespace()
        .collect()
});

static QUALIFIERS: LazyLock<Set<&'static str>> = LazyLock::new(|| {
    "abdominal ablative academic acute adolescent adult advanced ambulatory anatomic appreciate appreciated await awaiting
     bariatric behavioral behavioural breast call called cardiac cardiothoracic cc child clinical colorectal community
     consult consulted contact contacted cosmetic craniofacial critical cross diagnostic elective electrodiagnostic
     emergency emergent endocrine endoscopic endovascular epilepsy ent esthetic facial family fetal fetal-maternal forensic
     functional general genetic geriatric geriatrics gi gu gyn gynecologic gynaecological gynecological hand head heart
     hepatobiliary implant infectious inpatient inpt integrative internal interventional invasive laparoscopic laser
     liaison liver maternal maxillofacial medical message messaged micrographic minimally minor mohs molecular musculoskeletal
     neonatal neuro neurologic neurological neurovascular noninvasive notified notify nuclear observational occupational
     ocular oncologic open oral orthognathic orthopaedic orthopedic outpatient outpt page paged paediatric pediatric peds
     pelvic perinatal peripheral physical plastic plastics precision preventive primary private public pulmonary radiation
     rapid reconstructive refer referred refractive rehab reproductive request requested robotic schedule scheduled second
     see seen sleep spinal spine sports stroke structural surgical systemic thoracic thyroid transfusion transplant trauma
     translational tumor upper urgent urologic vascular veterinary virtual weekend women women's"
        .split_whitespace()
        .collect()
});

/// Is the cue one of a specialty? In small letters it is what was done: `Okafor surgery`.
pub(super) fn is_done(r: &Reading<'_>, cue: &Cue) -> bool {
    let small = r.word(cue.first).is_some_and(|w| w.caps == Caps::Lower);
    small && cue.first == cue.last && SPECIALTIES.contains(r.low(cue.first))
}

/// Does word `i`, before the specialty of the cue, say which part of it or what of it?
pub(super) fn qualifies(r: &Reading<'_>, i: usize, cue: &Cue) -> bool {
    let of_parts = |k: usize| SPECIALTIES.contains(r.low(k)) || QUALIFIERS.contains(r.low(k));
    SPECIALTIES.contains(r.low(cue.last)) && of_parts(i)
}

#[cfg(test)]
mod tests {
    use crate::anonymize::cue::Reading;
    use crate::anonymize::kind::Type;
    use crate::anonymize::org;

    fn check(text: &str) -> Vec<&str> {
        let mut out = Vec::new();
        org::find(&Reading::of(text), &mut out);
        out.iter().filter(|f| f.ty == Type::FACILITY).map(|f| &text[f.start..f.end]).collect()
    }

    #[test]
    fn departments_are_no_practices() {
        for text in [
            "seen in Interventional Radiology today",
            "Paged Radiology, no answer.",
            "Appreciate Radiology input on this",
            "per Vascular Surgery and Medical Oncology",
            "after Mohs Surgery she bled",
            "Okafor surgery went well",
        ] {
            assert!(check(text).is_empty(), "{text}: {:?}", check(text));
        }
    }

    #[test]
    fn practices_bear_names() {
        for (text, want) in [
            ("letter from Okafor Cardiology dated today", "Okafor Cardiology"),
            ("sign as Dr E, Tall Pines Pulmonary, tel", "Tall Pines Pulmonary"),
            ("films from Brightwater Vascular Surgery came", "Brightwater Vascular Surgery"),
        ] {
            assert!(check(text).contains(&want), "{text}: {:?}", check(text));
        }
    }
}

//! Codes of public catalogues: `SNOMED CT code 260373001`, `NDC 0409-6729-24`, `NCT04032093`. They say what a thing is, and
//! nobody's number passes for one.
//!
//! **Invariant:** the catalogue is named right before the code, and what a label, a secret's rule or the rest of the
//! exchange says stays.

use crate::anonymize::cue::Reading;
use crate::anonymize::kind::{Evidence, Finding, Type};

/// Catalogues whose codes hold digits, in lower case.
const CATALOGUES: [&str; 56] = [
    "snomed", "loinc", "ndc", "ndcs", "rxnorm", "rxcui", "icd", "cpt", "hcpcs", "drg", "atc", "cvx", "mvx",
    "unii", "omim", "mim", "orpha", "orphanet", "hpo", "umls", "cui", "mesh", "meddra", "icpc", "opcs",
    "gudid", "din", "ean", "isbn", "issn", "doi", "pmid", "pmcid", "pubmed", "arxiv", "nct", "isrctn",
    "eudract", "chembl", "drugbank", "pubchem", "cid", "cas", "uniprot", "refseq", "ensembl", "dbsnp",
    "clinvar", "rfc", "cve", "cwe", "iso", "ansi", "ticker", "naics", "sic",
];

/// Words between the catalogue and its code.
const BETWEEN: [&str; 14] =
    ["ct", "code", "codes", "concept", "id", "ids", "no", "number", "is", "the", "was", "for", "cm", "pcs"];

/// How many of them.
const REACH: usize = 3;

/// Is the finding such a code?
pub(super) fn coded(r: &Reading<'_>, f: &Finding) -> bool {
    if [Evidence::Label, Evidence::Propagated, Evidence::Secret].contains(&f.evidence)
        || [Type::NAME, Type::DATE, Type::CREDIT_CARD, Type::US_SSN, Type::EMAIL].contains(&f.ty)
    {
        return false;
    }
    let value = r.text.get(f.start..f.end).unwrap_or_default();
    if value.bytes().filter(u8::is_ascii_digit).count() < 3 {
        return false;
    }
    let mut at = r.words.partition_point(|word| word.start < f.start);
    for _ in 0..=REACH {
        let Some(before) = at.checked_sub(1) else { return false };
        if !matches!(r.gap(before), " " | ": " | ":" | "-" | " #" | "# " | " (" | "=" | "/" | "_") {
            return false;
        }
        if CATALOGUES.contains(&r.low(before)) {
            return true;
        }
        if !BETWEEN.contains(&r.low(before)) {
            return false;
        }
        at = before;
    }
    false
}

#[cfg(test)]
mod tests {
    use crate::anonymize::tests::tables::masked as check;

    #[test]
    fn codes_of_public_catalogues_are_nobodys() {
        for text in [
            "do I need a SNOMED code 260373001 for 'Detected'",
            "SNOMED CT concept id: 260373001 is for that",
            "scanned NDC 0409-6729-24 vs formulary NDC 63323-108-01",
            "maps to RxCUI 1049221800 in the table",
            "the paper is PMID 2603730019 I think",
        ] {
            assert!(check(text).is_empty(), "{text}: {:?}", check(text));
        }
    }

    #[test]
    fn numbers_of_people_beside_them_stay() {
        for (text, want) in [
            ("NDC missing, call 415-555-2671 today", "415-555-2671"),
            ("SNOMED aside, his MRN 260373001 is wrong", "260373001"),
            ("CPT 99213 for SSN 078-05-1121", "078-05-1121"),
        ] {
            assert!(check(text).contains(&want), "{text}: {:?}", check(text));
        }
    }
}

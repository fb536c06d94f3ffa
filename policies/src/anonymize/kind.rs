//! The types of identifiers and what may be done with a finding of each.

use std::fmt;

use serde::Serialize;

/// The type of an identifier, by the name that policies, reports and tags use.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Type(&'static str);

macro_rules! types {
    ($($name:ident)*) => {
        /// The types that the code names; the rest is in [`TYPES`].
        impl Type {
            $(pub(crate) const $name: Type = Type(stringify!($name));)*
        }
    };
}

types! {
    ACCOUNT ADDRESS AGE CITY COUNTRY CREDIT_CARD CRYPTO CVV DATE DEVICE_ID EMAIL EMPLOYER ENCODED EXPIRY FACILITY FAX
    GEO HEALTH_PLAN IBAN_CODE ID IP_ADDRESS LICENSE_ID MAC_ADDRESS MRN NAME NRP ORG PASSWORD PHONE POSTCODE SECRET STATE
    TIME TITLE URL USERNAME US_SSN VIN
    ABA_ROUTING_NUMBER AU_ABN AU_ACN AU_MEDICARE AU_TFN CA_SIN DE_FUEHRERSCHEIN DE_HANDELSREGISTER
    DE_HEALTH_INSURANCE DE_BSNR DE_ID_CARD DE_KFZ DE_LANR DE_PASSPORT DE_SOCIAL_SECURITY DE_TAX_ID
    DE_TAX_NUMBER DE_VAT_ID ES_NIE ES_NIF ES_PASSPORT FI_PERSONAL_IDENTITY_CODE IN_AADHAAR IN_GSTIN IN_PAN
    IN_PASSPORT IN_VEHICLE_REGISTRATION IN_VOTER IT_DRIVER_LICENSE IT_FISCAL_CODE IT_IDENTITY_CARD
    IT_VAT_CODE KR_BRN KR_DRIVER_LICENSE KR_FRN KR_PASSPORT KR_RRN MEDICAL_LICENSE NG_NIN
    NG_VEHICLE_REGISTRATION PH_TIN PL_PESEL SE_ORGANISATIONSNUMMER SE_PERSONNUMMER SG_NRIC_FIN SG_UEN SWIFT
    TH_TNIN TR_LICENSE_PLATE TR_NATIONAL_ID UK_DRIVING_LICENCE UK_NHS UK_NINO UK_PASSPORT UK_POSTCODE
    UK_VEHICLE_REGISTRATION US_BANK_NUMBER US_DRIVER_LICENSE US_ITIN US_MBI US_NPI US_PASSPORT ZA_ID_NUMBER
}

/// Every type a policy may name, the ones that later detectors find included.
#[rustfmt::skip]
pub(crate) const TYPES: &[&str] = &[
    "ABA_ROUTING_NUMBER", "ACCOUNT", "ADDRESS", "AGE", "AU_ABN", "AU_ACN", "AU_MEDICARE", "AU_TFN", "BIOMETRIC",
    "CA_SIN", "CITY", "COUNTRY", "CREDIT_CARD", "CRYPTO", "CVV", "DATE", "DEVICE_ID", "DE_BSNR",
    "DE_FUEHRERSCHEIN", "DE_HANDELSREGISTER", "DE_HEALTH_INSURANCE", "DE_ID_CARD", "DE_KFZ", "DE_LANR",
    "DE_PASSPORT", "DE_PLZ", "DE_SOCIAL_SECURITY", "DE_TAX_ID", "DE_TAX_NUMBER", "DE_VAT_ID", "EMAIL", "EMPLOYER", "ENCODED",
    "ES_NIE", "ES_NIF", "ES_PASSPORT", "EXPIRY", "FACILITY", "FAX", "FI_PERSONAL_IDENTITY_CODE", "GEO",
    "HEALTH_PLAN", "IBAN_CODE", "ID", "IN_AADHAAR", "IN_GSTIN", "IN_PAN", "IN_PASSPORT",
    "IN_VEHICLE_REGISTRATION", "IN_VOTER", "IP_ADDRESS", "IT_DRIVER_LICENSE", "IT_FISCAL_CODE",
    "IT_IDENTITY_CARD", "IT_PASSPORT", "IT_VAT_CODE", "KR_BRN", "KR_DRIVER_LICENSE", "KR_FRN", "KR_PASSPORT",
    "KR_RRN", "LICENSE_ID", "MAC_ADDRESS", "MEDICAL_LICENSE", "MRN", "NAME", "NG_NIN",
    "NG_VEHICLE_REGISTRATION", "NRP", "ORG", "PASSWORD", "PHONE", "PHOTO", "PH_TIN", "PL_PESEL", "POSTCODE",
    "SECRET", "SE_ORGANISATIONSNUMMER", "SE_PERSONNUMMER", "SG_NRIC_FIN", "SG_UEN", "STATE", "SWIFT", "TH_TNIN",
    "TIME", "TITLE", "TR_LICENSE_PLATE", "TR_NATIONAL_ID", "UK_DRIVING_LICENCE", "UK_NHS", "UK_NINO",
    "UK_PASSPORT", "UK_POSTCODE", "UK_VEHICLE_REGISTRATION", "URL", "USERNAME", "US_BANK_NUMBER",
    "US_DRIVER_LICENSE", "US_ITIN", "US_MBI", "US_NPI", "US_PASSPORT", "US_SSN", "VIN", "ZA_ID_NUMBER",
];

impl Type {
    /// The type of that name, if there is one.
    pub(crate) fn named(name: &str) -> Option<Self> {
        TYPES.iter().find(|known| **known == name).map(|known| Type(known))
    }

    /// The name.
    pub fn as_str(self) -> &'static str {
        self.0
    }

    /// Made of words: its surrogates come from lists, and a text is searched for it word by word.
    pub(crate) fn of_words(self) -> bool {
        self.names() || [Type::AGE, Type::GEO].contains(&self)
    }

    /// Names a person, a house or a place.
    pub(crate) fn names(self) -> bool {
        const NAMES: [Type; 11] = [
            Type::NAME,
            Type::TITLE,
            Type::USERNAME,
            Type::EMPLOYER,
            Type::ORG,
            Type::FACILITY,
            Type::CITY,
            Type::ADDRESS,
            Type::STATE,
            Type::COUNTRY,
            Type::NRP,
        ];
        NAMES.contains(&self)
    }
}

impl fmt::Debug for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// What is done with a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// An invented value of the same form takes its place.
    Surrogate,
    /// The same, and the pair of values goes to the vault.
    Vault,
    /// `<TYPE_n>`, one index per value.
    Tag,
    /// `[TYPE]`.
    Redact,
    /// Left as it is, and counted.
    Keep,
    /// An age up to the cap is left and counted; a higher one becomes `90+`.
    Cap,
    /// The record is dropped.
    Block,
}

impl Mode {
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "surrogate" => Some(Self::Surrogate),
            "vault" => Some(Self::Vault),
            "tag" => Some(Self::Tag),
            "redact" => Some(Self::Redact),
            "keep" => Some(Self::Keep),
            "cap" => Some(Self::Cap),
            "block" => Some(Self::Block),
            _ => None,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Surrogate => "surrogate",
            Self::Vault => "vault",
            Self::Tag => "tag",
            Self::Redact => "redact",
            Self::Keep => "keep",
            Self::Cap => "cap",
            Self::Block => "block",
        }
    }
}

/// Why something was found, weakest first: it orders overlaps and names the type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Evidence {
    /// A word of a list, in a plausible frame.
    Gazetteer,
    /// The sequence model says so; its marginal is the score.
    Model,
    /// Fits a shape whose check it fails, or is a long run of digits.
    Failed,
    /// A shape in a text that is hardly more than the value.
    ValueOnly,
    /// A shape that little else has.
    Shape,
    /// A label or key names it.
    Label,
    /// Found elsewhere in the exchange.
    Propagated,
    /// Its check passes, or its grammar is unmistakable.
    Validated,
    /// A rule of `secrets.toml`.
    Secret,
}

/// One candidate: a half-open byte range of the folded text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) ty: Type,
    /// In percent.
    pub(crate) score: u8,
    pub(crate) evidence: Evidence,
}

impl Finding {
    pub(crate) fn new(start: usize, end: usize, ty: Type, evidence: Evidence) -> Self {
        let score = match evidence {
            Evidence::Gazetteer => 40,
            Evidence::Model => 50,
            Evidence::Failed => 60,
            Evidence::ValueOnly => 75,
            Evidence::Shape => 85,
            Evidence::Label => 90,
            Evidence::Propagated => 80,
            Evidence::Validated | Evidence::Secret => 100,
        };
        Self { start, end, ty, score, evidence }
    }

    pub(crate) fn scored(self, score: u8) -> Self {
        Self { score, ..self }
    }
}

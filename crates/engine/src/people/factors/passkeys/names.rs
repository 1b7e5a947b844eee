//! What a new passkey is called at first. An authenticator can claim any AAGUID, so this decides nothing.

/// The makers that people meet most, by the AAGUID of their passkeys.
const MAKERS: [(u128, &str); 19] = [
    (0xfbfc3007_154e_4ecc_8c0b_6e020557d7bd, "iCloud Keychain"),
    (0xdd4ec289_e01d_41c9_bb89_70fa845d4bf2, "iCloud Keychain"),
    (0xea9b8d66_4d01_1d21_3ce4_b6b48cb575d4, "Google Password Manager"),
    (0xadce0002_35bc_c60a_648b_0b25f1f05503, "Chrome on Mac"),
    (0xb5397666_4885_aa6b_cebf_e52262a439a2, "Chromium"),
    (0x771b48fd_d3d4_4f74_9232_fc157ab0507a, "Edge on Mac"),
    (0x08987058_cadc_4b81_b6e1_30de50dcbe96, "Windows Hello"),
    (0x9ddd1817_af5a_4672_a2b9_3e3dd95000a9, "Windows Hello"),
    (0x6028b017_b1d4_4c02_b4b3_afcdafc96bb2, "Windows Hello"),
    (0xbada5566_a7aa_401f_bd96_45619a55120d, "1Password"),
    (0xd548826e_79b4_db40_a3d8_11116f7e8349, "Bitwarden"),
    (0x531126d6_e717_415c_9320_3d9aa6981239, "Dashlane"),
    (0xfdb141b2_5d84_443e_8a35_4698c205a502, "KeePassXC"),
    (0x53414d53_554e_4700_0000_000000000000, "Samsung Pass"),
    (0x50726f74_6f6e_5061_7373_50726f746f6e, "Proton Pass"),
    (0xb84e4048_15dc_4dd0_8640_f4f60813c8af, "NordPass"),
    (0x0ea242b4_43c4_4a1b_8b17_dd6d0b6baec6, "Keeper"),
    (0xf3809540_7f14_49c1_a8b3_8f813b225541, "Enpass"),
    (0x2fc0579f_8113_47ea_b116_bb5a8db9202a, "YubiKey"),
];

/// The name of a passkey of this AAGUID; `otherwise` for all the others.
pub(super) fn name_passkey(aaguid: [u8; 16], otherwise: &str) -> String {
    let number = u128::from_be_bytes(aaguid);
    let known = MAKERS.iter().find(|(maker, _)| *maker == number).map(|(_, name)| *name);
    known.unwrap_or(otherwise).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_makers_are_named_and_all_others_are_called_as_the_browser_is() {
        assert_eq!(name_passkey(*b"ProtonPassProton", "Firefox on Linux"), "Proton Pass");
        assert_eq!(name_passkey([0; 16], "Firefox on Linux"), "Firefox on Linux");
        for (at, (number, _)) in MAKERS.iter().enumerate() {
            assert!(!MAKERS[..at].iter().any(|(earlier, _)| earlier == number), "{number:x} is there twice");
        }
    }
}

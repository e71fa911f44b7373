/// Largest stored block, in bytes (RFC 1951 §3.2.4).
const BLOCK: usize = 0xffff;

/// Returns `data` as a gzip member (RFC 1952) of stored blocks: nothing is compressed, and any decoder takes it.
pub(super) fn gzip(data: &[u8]) -> Vec<u8> {
    let mut member = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let blocks = data.chunks(BLOCK).count();
    for (index, block) in data.chunks(BLOCK).enumerate() {
        let length = u16::try_from(block.len()).expect("a block is no longer");
        member.push(u8::from(index + 1 == blocks));
        member.extend(length.to_le_bytes());
        member.extend((!length).to_le_bytes());
        member.extend(block);
    }
    if blocks == 0 {
        member.extend([1, 0, 0, 0xff, 0xff]);
    }
    member.extend(crc32(data).to_le_bytes());
    // The length is kept modulo 2^32.
    member.extend(data.len().to_le_bytes()[..4].iter());
    member
}

fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_the_check_value_of_the_specification() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }
}

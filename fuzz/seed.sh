#!/bin/sh
# Fills fuzz/corpus/<target> from testdata, because a fuzzer makes much faster progress from
# real pages and packets. Needs only a POSIX system.
set -eu
fuzz=$(cd "$(dirname "$0")" && pwd)
testdata=$fuzz/../testdata
corpus=$fuzz/corpus
for target in page packet headers demux repaired index webm mp4 caf raw wave audio_input metadata open_store; do
    mkdir -p "$corpus/$target"
    # Inputs that once crashed.
    for input in "$testdata/fuzz/$target"/*; do
        [ ! -f "$input" ] || cp "$input" "$corpus/$target/"
    done
done

for target in wave audio_input; do
    cp "$testdata"/wave/*.wav "$testdata"/wave/*.rf64 "$testdata"/wave/*.w64 \
        "$testdata"/wave/*.aif[fc] "$corpus/$target/"
done

byte() { # file, offset
    od -An -tu1 -j "$2" -N 1 "$1" | tr -d ' '
}

lacing() { # file, offset of a page
    od -An -v -tu1 -j $(($2 + 27)) -N "$(byte "$1" $(($2 + 26)))" "$1"
}

cut_out() { # file, offset, length -> stdout
    dd if="$1" bs=1 skip="$2" count="$3" 2>/dev/null
}

# Writes the packets of one page to files.
packets() { # file, offset of a page, folder, name
    at=$(($2 + 27 + $(byte "$1" $(($2 + 26)))))
    packet_len=0
    number=0
    for value in $(lacing "$1" "$2"); do
        packet_len=$((packet_len + value))
        if [ "$value" -lt 255 ]; then
            number=$((number + 1))
            cut_out "$1" "$at" "$packet_len" >"$3/$4-$number"
            at=$((at + packet_len))
            packet_len=0
        fi
    done
}

for file in "$testdata"/*.opus; do
    name=$(basename "$file" .opus)
    start=0
    for page in 1 2 3 4; do
        page_len=$((27 + $(byte "$file" $((start + 26)))))
        for value in $(lacing "$file" "$start"); do
            page_len=$((page_len + value))
        done
        cut_out "$file" "$start" "$page_len" >"$corpus/page/$name-$page"
        case $page in
        1 | 2) packets "$file" "$start" "$corpus/headers" "$name-$page" ;;
        3) packets "$file" "$start" "$corpus/packet" "$name-$page" ;;
        esac
        start=$((start + page_len))
        dd if="$file" bs="$start" count=1 2>/dev/null >"$corpus/demux/$name-$page"
    done
    dd if="$file" bs=1024 count=64 2>/dev/null >"$corpus/demux/$name"
done

zeros() { # count
    dd if=/dev/zero bs=1 count="$1" 2>/dev/null
}

number() { # value below 65536, bytes: little-endian
    printf "\\$(printf %o $(($1 % 256)))\\$(printf %o $(($1 / 256)))"
    zeros $(($2 - 2))
}

page_header() { # flags, granule position or none, page number, lacing values
    printf 'OggS\000'
    printf "\\$(printf %o "$1")"
    if [ "$2" = none ]; then printf '\377\377\377\377\377\377\377\377'; else number "$2" 8; fi
    number 1 4
    number "$3" 4
    zeros 4
    shift 3
    for value in $# "$@"; do
        printf "\\$(printf %o "$value")"
    done
}

packet() { # bytes
    printf '\170'
    zeros $(($1 - 1))
}

# Cases that the recordings lack: a packet in three pieces, a page without packets, an end
# trim. The checksums are wrong; fuzzers ignore them.
{
    cat "$corpus/page/field-notes-1"
    page_header 0 0 1 16 && printf OpusTags && zeros 8
    page_header 0 960 2 10 255 && packet 10 && packet 255
    page_header 1 none 3 255 && zeros 255
    page_header 1 2880 4 7 255 0 && zeros 7 && packet 255
    page_header 0 none 5
    page_header 4 3500 6 20 && packet 20
} >"$corpus/demux/divided"

# Mode 0: start, length of the blob, then rows. Mode 1: gap, length and duration of every
# packet, one byte each.
{
    printf '\000\001\010\000'
    number 0 8 && number 100 8
    number 0 8 && number 50 8 && number 120 8 && number 0 8 && number 119 8
    number 50 8 && number 50 8 && number 120 8 && number 120 8 && number 239 8
} >"$corpus/index/rows"
printf '\001\001\010\002\000\062\010\003\062\010\000\005\004\000\377\060' >"$corpus/index/packets"

# Changes to a small store: attribute and new value; row, column and new value; number in the
# sync map and new value; position of a byte and new value.
printf '\000' >"$corpus/open_store/whole"
printf '\001\003\000\000\000\000\000\000\000\001' >"$corpus/open_store/attribute"
printf '\002\002\001\000\000\000\000\000\000\000\000' >"$corpus/open_store/row"
printf '\003\002\001\000\000\000' >"$corpus/open_store/sync"
printf '\004\003\100\000\000\001' >"$corpus/open_store/byte"

# One of each, as recorders write them.
printf 'Recorded at 19:30:00 12/11/2021 (UTC-3:30) by AudioMoth 248D9B045EC9EE79 using external microphone at medium gain while battery was 4.1V and temperature was -4.0C. Frequency trigger (2.0kHz and window length of 16 samples) threshold was 0.5%% with 5s minimum trigger duration. Band-pass filter with frequencies of 1.0kHz and 20.0kHz applied. Amplitude threshold was -28 dB with 5s minimum trigger duration. Recording stopped due to low voltage.' >"$corpus/metadata/audiomoth"
printf 'Recorded at 19:30:00 12/11/2018 by AudioMoth 0FE081F80FE081F0 at gain setting 2 while battery state was 4.03V' >"$corpus/metadata/audiomoth-1.0"
printf 'GUANO|Version: 1.0\nTimestamp: 2012-03-29T03:58:01.5+04:00\nTE: 10\nSamplerate: 500000\nLoc Position: 37.18 -86.10\nSpecies Auto ID: MYLU, EPFU\nNote: one\\ntwo\nPET|Gain: 80\n' >"$corpus/metadata/guano"
printf 'INFOICMT\005\000\000\000four\000\000ICRD\032\000\000\0002018-04-26T13:26:19-05:00\000' >"$corpus/metadata/info"
printf 'S4A03895_20190522_001500.250-0330.wav' >"$corpus/metadata/name"
printf '5B6A9C40.WAV' >"$corpus/metadata/name-hex"
printf '<BWF_ORIGINATION_DATE>2003-10-30</BWF_ORIGINATION_DATE><BWF_ORIGINATION_TIME>03:27:17</BWF_ORIGINATION_TIME>' >"$corpus/metadata/ixml"
{
    zeros 320
    printf '2017-10-0621:23:15'
    number 4800 8 && number 2 2 && zeros 254
    printf 'A=PCM'
} >"$corpus/metadata/bext"
{
    number 15 2 && number 2 4 && number 10 2
    number 1 2 && number 6 4 && printf SM4BAT
    number 5 2 && number 23 4 && printf '2016-04-27 18:54:58.000'
    number 6 2 && number 19 4 && printf 'WGS84,46.5,S,7.25,W'
} >"$corpus/metadata/wamd"

//! A small table of each layout.

/// Tables and the programs that write them.
pub(super) const TABLES: [(&str, &[u8]); 12] = [
    (
        "raven",
        b"Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\t\
          Begin Path\tFile Offset (s)\tSpecies\n\
          1\tWaveform 1\t1\t31.5\t32.25\t100.5\t2000\tC:\\a\\b.wav\t1.5\t\"x\n\
          1\tSpectrogram 1\t1\t31.5\t32.25\t100.5\t2000\tC:\\a\\b.wav\t1.5\t\"x\n",
    ),
    ("raven-sequence", b"Begin Time (s)\tEnd Time (s)\tBegin File\n1\t2\ta.wav\n31\t32\tb.wav\n"),
    (
        "birdnet",
        b"\xef\xbb\xbfStart (s);End (s);Scientific name;Common name;Confidence;File\r\n\
          0,0;3,0;Grus grus;\"a \"\"b\"\"; c\";0,91;/a/b.wav\r\n",
    ),
    ("birdnet-python", b"input,start_time,end_time,species_name,confidence\na.wav,0,3,A b_C,0.5\n"),
    (
        "kaleidoscope",
        b"INDIR,FOLDER,IN FILE,CHANNEL,OFFSET,DURATION,AUTO ID*,MANUAL ID\n\
          D:\\a,b,c.wav,0,1.5,3,NoID,\n",
    ),
    ("crowsetta", b"label,onset_s,offset_s,notated_path,annotation\na,0.5,1.25,a/b.wav,0\n"),
    ("classes", b"file,start_time,end_time,wren,robin\na.wav,0,3,1,1\na.wav,3,6,-1.5,True\n"),
    ("audacity", b"0.5\t1,25\ta\t0.5\n\\\t-1.0\t2000\n2\t2\n"),
    ("utf-16", b"\xff\xfes\0t\0a\0r\0t\0;\0e\0n\0d\0\n\x001\0;\x002\0\n\0"),
    ("windows-1252", b"start;end;label\n1;2;Wei\xdfstorch\n"),
    ("samples", b"start_sample,end_sample,recording,name,channel,score\n1_000,+5,a,b.wav,2,-1e3\n"),
    ("times", b"start,end,label\n1:02.5,+750ms,\"a\nb\"\n2026-05-12T20:15:00Z,+1s,\"\n3,4,c\n"),
];

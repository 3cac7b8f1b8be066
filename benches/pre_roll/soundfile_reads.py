"""Writes, as little-endian f32: all samples of a file, a second at each place, and what each of
these seconds cost, in processor time for decoding a second of everything."""

import sys
import time

import numpy
import soundfile

SECOND = 48_000


def write(samples):
    sys.stdout.buffer.write(numpy.asarray(samples, "<f4").tobytes())


def main():
    file, *places = sys.argv[1:]
    with soundfile.SoundFile(file) as source:
        began = time.thread_time()
        everything = source.read(dtype="float32")
        second = (time.thread_time() - began) / len(everything) * SECOND
        write(everything)
        costs = []
        for place in places:
            began = time.thread_time()
            source.seek(int(place))
            samples = source.read(SECOND, dtype="float32")
            costs.append((time.thread_time() - began) / second)
            write(samples)
        write(costs)


main()

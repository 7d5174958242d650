'use strict'

/** Sound to test with, as 16-bit samples. */

/** `at` is the number of samples before it, so that pieces join. */
function sine(frequency, rate, seconds, at = 0, amplitude = 8_000) {
  const samples = new Int16Array(Math.round(rate * seconds))
  for (let i = 0; i < samples.length; i++) {
    samples[i] = Math.round(amplitude * Math.sin((2 * Math.PI * frequency * (at + i)) / rate))
  }
  return samples
}

/** Amplitude of a frequency in full scale (Goertzel). */
function power(samples, frequency, rate) {
  const w = (2 * Math.PI * frequency) / rate
  let re = 0
  let im = 0
  for (let i = 0; i < samples.length; i++) {
    re += samples[i] * Math.cos(w * i)
    im += samples[i] * Math.sin(w * i)
  }
  return (2 * Math.hypot(re, im)) / samples.length / 32_768
}

/** A WAV file with one channel. */
function wav(samples, rate) {
  const header = Buffer.alloc(44)
  header.write('RIFF', 0)
  header.writeUInt32LE(36 + samples.byteLength, 4)
  header.write('WAVEfmt ', 8)
  header.writeUInt32LE(16, 16)
  header.writeUInt16LE(1, 20)
  header.writeUInt16LE(1, 22)
  header.writeUInt32LE(rate, 24)
  header.writeUInt32LE(rate * 2, 28)
  header.writeUInt16LE(2, 32)
  header.writeUInt16LE(16, 34)
  header.write('data', 36)
  header.writeUInt32LE(samples.byteLength, 40)
  return Buffer.concat([header, Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength)])
}

module.exports = { power, sine, wav }

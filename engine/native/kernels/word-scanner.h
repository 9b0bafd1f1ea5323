// Where words end in UTF-8 text. The rules are those of the split pattern in lm/tokenizer/split.ts, alternative by
// alternative, and the character classes come from there too: one byte of bits per code point, filled in by
// JavaScript from the pattern's own regular expressions, so that both always speak of the same Unicode version.
#pragma once
#include <cstdint>
#include <cstring>

namespace parley::PARLEY_ISA {

// The bits of a code point. A class byte of 0 stands for a code point that nobody has classified yet.
enum CharacterClass : uint8_t {
  spaceClass = 1,
  breakClass = 2,    // carriage return, line feed
  hanClass = 4,      // Han or kana
  letterClass = 8,   // a letter or combining mark outside them
  wordClass = 16,    // any letter or combining mark
  numberClass = 32,
  symbolClass = 64,  // neither white space nor letter nor number
  prefixClass = 128  // what a word may take along in front: a space, a tab, an ASCII mark
};

constexpr int64_t codePoints = 0x110000;

// Follows every text in memory: no byte of UTF-8, so that every run ends there without a look at the length.
constexpr uint8_t endOfTextByte = 0xff;

class WordScanner {
 public:
  // A code point that had no class, or -1. Words found since then mean nothing.
  int32_t unclassified = -1;

  // classes[codePoints]. Texts are well-formed UTF-8 with endOfTextByte behind.
  explicit WordScanner(const uint8_t* classes) : classes(classes) {}

  // The end of the word that starts at `at`, which is not the end of the text.
  const uint8_t* endOfWord(const uint8_t* at) {
    const uint8_t byte = *at;
    if (byte == '\'') {
      const uint8_t* const end = endOfContraction(at);
      if (end > at) return end;
    }
    const Character first = characterAt(at);
    if (first.bits & hanClass) return endOfRun(at + first.size, hanClass);
    if (first.bits & letterClass) return endOfRun(at + first.size, letterClass);
    if (first.bits & prefixClass) {
      const Character second = characterAt(at + 1);
      if (second.bits & letterClass) return endOfRun(at + 1 + second.size, letterClass);
      if (byte == ' ' && second.bits & symbolClass) return endOfBreaks(endOfRun(at + 1 + second.size, symbolClass));
    }
    if (first.bits & numberClass) return endOfDigits(at);
    if (first.bits & symbolClass) return endOfBreaks(endOfRun(at + first.size, symbolClass));
    return endOfSpace(at);
  }

 private:
  struct Character {
    uint8_t bits;  // 0 at the end of the text
    uint8_t size;  // bytes
  };

  const uint8_t* const classes;
  const uint8_t* spaceEnd = nullptr;  // end of the last run of white space that was looked through

  Character characterAt(const uint8_t* at) {
    const uint8_t lead = *at;
    if (lead < 0x80) return {classOf(lead), 1};
    if (lead < 0xe0) return {classOf((lead & 0x1f) << 6 | (at[1] & 0x3f)), 2};
    if (lead < 0xf0) return {classOf((lead & 0x0f) << 12 | (at[1] & 0x3f) << 6 | (at[2] & 0x3f)), 3};
    if (lead == endOfTextByte) return {0, 0};
    return {classOf((lead & 0x07) << 18 | (at[1] & 0x3f) << 12 | (at[2] & 0x3f) << 6 | (at[3] & 0x3f)), 4};
  }

  uint8_t classOf(int32_t code) {
    const uint8_t bits = classes[code];
    if (bits == 0 && unclassified < 0) unclassified = code;
    return bits;
  }

  const uint8_t* endOfRun(const uint8_t* at, uint8_t bits) {
    for (;;) {
      while (*at < 0x80 && classes[*at] & bits) at++;
      const Character next = characterAt(at);
      if (!(next.bits & bits)) return at;
      at += next.size;
    }
  }

  static const uint8_t* endOfBreaks(const uint8_t* at) {
    while (*at == '\r' || *at == '\n') at++;
    return at;
  }

  // After 's, 'll and the like where a word ends, otherwise `at`.
  const uint8_t* endOfContraction(const uint8_t* at) {
    const auto lower = [](uint8_t byte) -> uint8_t { return byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte; };
    const uint8_t first = lower(at[1]);
    if (first == 's' || first == 'd' || first == 'm' || first == 't') {
      return characterAt(at + 2).bits & wordClass ? at : at + 2;
    }
    if (first != 'l' && first != 'v' && first != 'r') return at;
    const bool known = lower(at[2]) == (first == 'l' ? 'l' : 'e');
    return known && !(characterAt(at + 3).bits & wordClass) ? at + 3 : at;
  }

  const uint8_t* endOfDigits(const uint8_t* at) {
    for (int count = 0; count < 3; count++) {
      const Character next = characterAt(at);
      if (!(next.bits & numberClass)) break;
      at += next.size;
    }
    return at;
  }

  // A run of white space ends after its last line break, or before the one space that goes with the next word.
  const uint8_t* endOfSpace(const uint8_t* at) {
    if (at >= spaceEnd) {
      spaceEnd = endOfRun(at, spaceClass);
      for (const uint8_t* last = spaceEnd; last-- > at;) {
        if (*last == '\r' || *last == '\n') return last + 1;
      }
    }  // else the run was looked through before, and what is left of it holds no line break
    if (isIdeographicSpace(at)) {
      do at += 3;
      while (isIdeographicSpace(at));
      return at;
    }
    if (*spaceEnd == endOfTextByte) return spaceEnd;
    const uint8_t* last = spaceEnd - 1;
    while ((*last & 0xc0) == 0x80) last--;
    return last == at ? spaceEnd : last;
  }

  static bool isIdeographicSpace(const uint8_t* at) { return at[0] == 0xe3 && at[1] == 0x80 && at[2] == 0x80; }
};

}  // namespace parley::PARLEY_ISA

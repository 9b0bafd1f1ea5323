// Byte-pair encoding of text (Sennrich et al. 2016): UTF-8 in, token ids out.
//
// The text is cut into words (word-scanner.h); each word starts as the ids of its bytes, and the adjacent pair that
// was learned first is merged, leftmost first, until no learned pair is left. lm/tokenizer/bpe.ts says the same in
// TypeScript, and gives the same ids.
//
// Where the time goes, and what was done about it:
//
//   Most words were seen before.  A cache of one line of memory per word: up to 32 bytes of text beside up to 7 ids.
//     The word is loaded as four 64-bit numbers with what lies behind it masked off, hashed with two multiplications,
//     and compared whole; one miss of the processor's cache at most. A newer word evicts an older one: no chains, no
//     growth. The cache is memory of a pure function, so it cannot change an id.
//   New words of usual length.  A word has some dozen symbols: a flat array of ranks, searched for its least, beats
//     any queue. A pair is looked up in a table with open addressing, 16 bytes an entry, at most a third full.
//   Endless words.  A megabyte without a space is legal: above 96 symbols a heap over a linked list, O(n log n).
//   Long texts.  No word reaches across a line feed that something other than white space follows, so such a text is
//     cut into pieces there, which threads encode each with a cache of its own.
#include <algorithm>
#include <memory>
#include <functional>
#include <queue>
#include <vector>

#include "../binding.h"
#include "../buffer.h"
#include "../pool.h"
#include "word-scanner.h"

namespace parley::PARLEY_ISA {
namespace {

constexpr uint32_t noMerge = 0xffffff;
constexpr int64_t mostScanned = 64;       // symbols; longer words are merged with the heap
constexpr int64_t cacheLines = 1 << 16;   // 4 MiB for each thread
constexpr int64_t pieceBytes = 1 << 16;   // of a text that is shared among threads
constexpr int64_t wordBytes = 32, wordIds = 7;  // most that a cache line holds

uint64_t mix(uint64_t hash) {
  hash *= 0x9e3779b97f4a7c15u;
  return hash ^ hash >> 32;
}

// Learned pairs: rank = order of learning, lowest first. An entry is one number, rank | left | right from the top, so
// that the pairs of a usual vocabulary stay in the processor's second cache.
class MergeTable {
 public:
  // merges[count][3]: left, right, result. The last of equal pairs counts.
  explicit MergeTable(Array<const int32_t> merges) : results(size_t(merges.size / 3)) {
    merges.require(int64_t(results.size()) * 3);
    if (int64_t(results.size()) >= noMerge) throw std::runtime_error("more than 16777214 merges");
    size_t capacity = 16;
    while (capacity < results.size() * 2) capacity *= 2;
    mask = capacity - 1;
    entries.assign(capacity, free);
    for (size_t rank = 0; rank < results.size(); rank++) {
      const int32_t* const merge = merges.data + rank * 3;
      if (uint32_t(merge[0]) >= mostIds || uint32_t(merge[1]) >= mostIds) {
        throw std::runtime_error("merges name an id outside 0 .. " + std::to_string(mostIds - 1));
      }
      results[rank] = merge[2];
      entries[find(pairOf(merge[0], merge[1]))] = uint64_t(rank) << 40 | pairOf(merge[0], merge[1]);
    }
  }

  // noMerge if the pair was not learned.
  uint32_t rank(int32_t left, int32_t right) const { return uint32_t(entries[find(pairOf(left, right))] >> 40); }
  int32_t result(uint32_t rank) const { return results[rank]; }

 private:
  static constexpr uint32_t mostIds = 1 << 20;
  static constexpr uint64_t pairBits = (uint64_t(1) << 40) - 1, free = ~uint64_t(0);

  std::vector<uint64_t> entries;
  std::vector<int32_t> results;  // by rank
  size_t mask;

  static uint64_t pairOf(int32_t left, int32_t right) { return uint64_t(uint32_t(left)) << 20 | uint32_t(right); }

  size_t find(uint64_t pair) const {
    size_t at = mix(pair) & mask;
    while (entries[at] != free && (entries[at] & pairBits) != pair) at = (at + 1) & mask;
    return at;
  }
};

// A word of at most 32 bytes as numbers, zeros behind it.
struct WordKey {
  uint64_t parts[4];

  WordKey() = default;

  // Reads 32 bytes whatever the size.
  WordKey(const uint8_t* word, int64_t size) {
    static constexpr uint8_t window[64] = {
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
    };
    uint64_t mask[4];
    std::memcpy(mask, window + wordBytes - size, sizeof mask);
    std::memcpy(parts, word, sizeof parts);
    for (int part = 0; part < 4; part++) parts[part] &= mask[part];
  }

  uint64_t hash(int64_t size) const {
    return mix(mix(parts[0] ^ (parts[2] << 29 | parts[2] >> 35) ^ uint64_t(size) << 56) ^ parts[1] ^
               (parts[3] << 43 | parts[3] >> 21));
  }
};

struct alignas(64) CacheLine {
  uint64_t parts[4];
  int32_t ids[wordIds];
  uint8_t size, count;  // of the word; size is 0 where free

  bool holds(const WordKey& key, int64_t wordSize) const {
    return size == wordSize && ((parts[0] ^ key.parts[0]) | (parts[1] ^ key.parts[1]) | (parts[2] ^ key.parts[2]) |
                                (parts[3] ^ key.parts[3])) == 0;
  }

  void keep(const WordKey& key, int64_t wordSize, const int32_t* from, int64_t idCount) {
    std::memcpy(parts, key.parts, sizeof parts);
    std::copy_n(from, idCount, ids);
    size = uint8_t(wordSize);
    count = uint8_t(idCount);
  }
};
static_assert(sizeof(CacheLine) == 64, "one line of memory");

// Ids, appended to without looking at the capacity each time.
class Ids {
 public:
  int64_t size() const { return count; }
  const int32_t* data() const { return memory.get(); }
  void clear() { count = 0; }

  // Where up to `most` ids may be written.
  int32_t* room(int64_t most) {
    if (count + most > capacity) grow(count + most);
    return memory.get() + count;
  }
  void wrote(int64_t written) { count += written; }

 private:
  std::unique_ptr<int32_t[]> memory;
  int64_t count = 0, capacity = 0;

  void grow(int64_t least) {
    capacity = std::max({least, capacity * 2, int64_t(1024)});
    std::unique_ptr<int32_t[]> larger(new int32_t[size_t(capacity)]);
    if (count > 0) std::memcpy(larger.get(), memory.get(), size_t(count) * sizeof(int32_t));
    memory = std::move(larger);
  }
};

// What one thread needs to encode.
class Worker {
 public:
  Ids ids;

  // Appends the ids of the words of text[begin, end), which begins and ends where a word does.
  // Returns a code point that has no class, or -1.
  //
  // A dozen words are found before the first of them is looked up, so that their lines of the cache are on the way.
  int32_t encode(const uint8_t* begin, const uint8_t* end, const uint8_t* classes, const int32_t* byteIds,
                 const MergeTable& merges) {
    CacheLine* const cache = lines.atLeast(cacheLines);
    WordScanner scanner(classes);
    struct {
      const uint8_t* text;
      int64_t size;
      WordKey key;
      CacheLine* line;  // null for words that are too long
    } words[12];
    while (begin < end) {
      int found = 0;
      for (auto& word : words) {
        if (begin == end) break;
        word.text = begin;
        begin = scanner.endOfWord(begin);
        word.size = begin - word.text;
        word.line = nullptr;
        found++;
        if (word.size > wordBytes) continue;
        word.key = WordKey(word.text, word.size);
        word.line = cache + (word.key.hash(word.size) & (cacheLines - 1));
        __builtin_prefetch(word.line);
      }
      if (scanner.unclassified >= 0) return scanner.unclassified;
      for (int i = 0; i < found; i++) {
        const auto& word = words[i];
        int32_t* const to = ids.room(std::max(word.size, wordIds));
        if (word.line != nullptr && word.line->holds(word.key, word.size)) {
          std::memcpy(to, word.line->ids, sizeof word.line->ids);
          ids.wrote(word.line->count);
          continue;
        }
        const int64_t symbols = spell(word.text, word.size, byteIds, to);
        const int64_t count = symbols <= mostScanned ? mergeByScan(to, symbols, merges) : mergeByHeap(to, symbols, merges);
        ids.wrote(count);
        if (word.line != nullptr && count <= wordIds) word.line->keep(word.key, word.size, to, count);
      }
    }
    return -1;
  }

 private:
  Buffer<CacheLine> lines;

  // Bytes that the vocabulary lacks are left out.
  static int64_t spell(const uint8_t* word, int64_t size, const int32_t* byteIds, int32_t* symbols) {
    int64_t count = 0;
    for (int64_t i = 0; i < size; i++) {
      symbols[count] = byteIds[word[i]];
      count += symbols[count] >= 0;
    }
    return count;
  }

  // Symbols keep their places; a bit mask tells which are left. The key of a place is the rank of the pair that starts
  // there above the place itself, so the least key is the leftmost of the first pairs: one reduction over vectors.
  static int64_t mergeByScan(int32_t* symbols, int64_t count, const MergeTable& merges) {
    constexpr uint32_t placeBits = 6, none = noMerge << placeBits;
    static_assert(mostScanned == 1 << placeBits, "a place fits its bits");
    if (count < 2) return count;
    uint32_t keys[mostScanned];
    const int64_t padded = (count + 15) & ~int64_t(15);
    for (int64_t i = 0; i + 1 < count; i++) keys[i] = merges.rank(symbols[i], symbols[i + 1]) << placeBits | uint32_t(i);
    for (int64_t i = count - 1; i < padded; i++) keys[i] = none;
    uint64_t left = count == 64 ? ~uint64_t(0) : (uint64_t(1) << count) - 1;
    for (;;) {
      uint32_t least = none;
      for (int64_t i = 0; i < padded; i++) least = std::min(least, keys[i]);
      if (least >= none) break;
      const uint32_t at = least & (mostScanned - 1);
      const uint64_t above = left & (~uint64_t(1) << at);
      const int right = __builtin_ctzll(above);
      const uint64_t beyond = above & (above - 1), below = left & ((uint64_t(1) << at) - 1);
      symbols[at] = merges.result(least >> placeBits);
      left ^= uint64_t(1) << right;
      keys[right] = none;
      keys[at] = beyond ? merges.rank(symbols[at], symbols[__builtin_ctzll(beyond)]) << placeBits | at : none;
      if (below) {
        const int before = 63 - __builtin_clzll(below);
        keys[before] = merges.rank(symbols[before], symbols[at]) << placeBits | uint32_t(before);
      }
    }
    int64_t kept = 0;
    for (; left != 0; left &= left - 1) symbols[kept++] = symbols[__builtin_ctzll(left)];
    return kept;
  }

  // Entries of the heap whose pair has changed since are skipped when they surface.
  static int64_t mergeByHeap(int32_t* symbols, int64_t count, const MergeTable& merges) {
    const size_t size = size_t(count);
    std::vector<uint32_t> ranks(size, noMerge);
    std::vector<int32_t> next(size), previous(size);
    std::priority_queue<uint64_t, std::vector<uint64_t>, std::greater<uint64_t>> heap;
    const auto rank = [&](size_t at) {
      ranks[at] = next[at] < count ? merges.rank(symbols[at], symbols[next[at]]) : noMerge;
      if (ranks[at] != noMerge) heap.push(uint64_t(ranks[at]) << 32 | at);
    };
    for (size_t i = 0; i < size; i++) {
      next[i] = int32_t(i + 1);
      previous[i] = int32_t(i) - 1;
    }
    for (size_t i = 0; i < size; i++) rank(i);
    while (!heap.empty()) {
      const uint64_t top = heap.top();
      heap.pop();
      const size_t at = size_t(top & 0xffffffff);
      if (ranks[at] != top >> 32) continue;
      const size_t right = size_t(next[at]);
      symbols[at] = merges.result(ranks[at]);
      ranks[right] = noMerge;
      next[at] = next[right];
      if (next[at] < count) previous[size_t(next[at])] = int32_t(at);
      rank(at);
      if (previous[at] >= 0) rank(size_t(previous[at]));
    }
    int64_t kept = 0;
    for (size_t i = 0; i < size; i = size_t(next[i])) symbols[kept++] = symbols[i];
    return kept;
  }
};

class BytePairEncoder {
 public:
  static constexpr uint64_t handleTag = 0x7061636b65640002;
  static constexpr const char* handleName = "a byte-pair encoder";

  BytePairEncoder(Array<const int32_t> bytes, Array<const int32_t> merges) : merges(merges) {
    bytes.require(256);
    std::copy_n(bytes.data, 256, byteIds);
  }

  // Returns a code point that has no class, or -1; then the ids are ready to be collected.
  int32_t encode(const uint8_t* text, int64_t size, const uint8_t* classes) {
    const int wanted = size < 2 * pieceBytes ? 1 : threads();
    while (int(workers.size()) < wanted) workers.push_back(std::make_unique<Worker>());
    for (auto& worker : workers) worker->ids.clear();
    parts.clear();
    if (wanted == 1) {
      const int32_t unclassified = workers[0]->encode(text, text + size, classes, byteIds, merges);
      parts.push_back({0, 0, workers[0]->ids.size()});
      return unclassified;
    }

    const std::vector<const uint8_t*> cuts = cutAtLines(text, size);
    const int64_t pieces = int64_t(cuts.size()) - 1;
    parts.resize(size_t(pieces));
    std::atomic<int64_t> next{0};
    std::atomic<int32_t> unclassified{-1};
    onAllThreads(
        [&](const Team& team) {
          Worker& worker = *workers[size_t(team.thread)];
          for (int64_t piece; (piece = next.fetch_add(1)) < pieces && unclassified.load() < 0;) {
            const int64_t from = worker.ids.size();
            const int32_t code = worker.encode(cuts[size_t(piece)], cuts[size_t(piece) + 1], classes, byteIds, merges);
            if (code >= 0) unclassified.store(code);
            parts[size_t(piece)] = {team.thread, from, worker.ids.size() - from};
          }
        },
        wanted);
    return unclassified.load();
  }

  int64_t count() const {
    int64_t sum = 0;
    for (const Part& part : parts) sum += part.count;
    return sum;
  }

  void collect(int32_t* to) const {
    for (const Part& part : parts) {
      to = std::copy_n(workers[size_t(part.worker)]->ids.data() + part.from, part.count, to);
    }
  }

 private:
  // The ids of a piece of text: which worker holds them, and where.
  struct Part {
    int worker;
    int64_t from, count;
  };

  const MergeTable merges;
  int32_t byteIds[256];
  std::vector<std::unique_ptr<Worker>> workers;
  std::vector<Part> parts;

  // Begins and ends of pieces of about pieceBytes, at line feeds that no white space follows.
  static std::vector<const uint8_t*> cutAtLines(const uint8_t* text, int64_t size) {
    const uint8_t* const end = text + size;
    std::vector<const uint8_t*> cuts{text};
    for (const uint8_t* at = text + pieceBytes; at < end; at++) {
      at = static_cast<const uint8_t*>(std::memchr(at, '\n', size_t(end - at)));
      if (at == nullptr) break;
      // Printable ASCII only: what else is white space need not be known here.
      if (at[1] <= ' ' || at[1] >= 0x7f) continue;
      cuts.push_back(at + 1);
      at += pieceBytes;
    }
    cuts.push_back(end);
    return cuts;
  }
};

napi_value makeEncoder(napi_env env, Array<const int32_t> byteIds, Array<const int32_t> merges) {
  return handle(env, std::make_unique<BytePairEncoder>(byteIds, merges));
}

// The text as UTF-8 with endOfTextByte and room for a whole WordKey behind; lone surrogates become U+FFFD.
Array<const uint8_t> utf8(napi_env env, napi_value text) {
  static thread_local std::unique_ptr<uint8_t[]> memory;
  static thread_local size_t capacity = 0;
  size_t units = 0, size = 0;
  if (napi_get_value_string_utf16(env, text, nullptr, 0, &units) != napi_ok) {
    throw std::runtime_error("text is not a string");
  }
  const size_t most = units * 3 + sizeof(WordKey) + 1;
  if (most > capacity) {
    memory.reset(new uint8_t[most]);
    capacity = most;
  }
  napi_get_value_string_utf8(env, text, reinterpret_cast<char*>(memory.get()), most, &size);
  std::memset(memory.get() + size, endOfTextByte, sizeof(WordKey));
  return {memory.get(), int64_t(size), "text"};
}

// Encodes a text. The ids are written if they fit, and wait for bytePairIds if they do not.
// Returns their count, or -1 - c if the code point c has no class yet.
double encode(napi_env env, Handle<BytePairEncoder>& encoder, napi_value text, Array<const uint8_t> classes,
              Array<int32_t> ids) {
  classes.require(codePoints);
  const Array<const uint8_t> bytes = utf8(env, text);
  const int32_t unclassified = encoder.value->encode(bytes.data, bytes.size, classes.data);
  if (unclassified >= 0) return -1.0 - unclassified;
  const int64_t count = encoder.value->count();
  if (count <= ids.size) encoder.value->collect(ids.data);
  return double(count);
}

// The ids of the last text.
void collect(Handle<BytePairEncoder>& encoder, Array<int32_t> ids) {
  ids.require(encoder.value->count());
  encoder.value->collect(ids.data);
}

}  // namespace

PARLEY_FAMILY(byte_pair, kernel<makeEncoder>("bytePairEncoder", {"byteIds", "merges"}),
              kernel<encode>("bytePairEncode", {"encoder", "text", "classes", "ids"}),
              kernel<collect>("bytePairIds", {"encoder", "ids"}));

}  // namespace parley::PARLEY_ISA

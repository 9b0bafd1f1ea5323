// The precision of matrix products, for the whole process. With bf16 operands are rounded to bfloat16 on their way into
// a product, also on processors without bf16 arithmetic, so that a result has one meaning everywhere; sums and
// everything else stay f32.
#pragma once

namespace parley {

enum class Precision { f32, bf16 };

Precision precision();
void setPrecision(Precision value);

}  // namespace parley

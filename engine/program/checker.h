// What the checks of operations have in common (check() of each descriptor): shapes against each other, and the parts
// that several operations share. What fails is the engine's own mistake: std::logic_error.
#pragma once

#include <initializer_list>

#include "engine/error.h"
#include "engine/program/program.h"

namespace adaq {

class Checker {
  public:
    explicit Checker(const Program& program) : program_(program) {}

    /// A tensor's shape. rank: of it; 0 takes any.
    const Shape& shape(TensorId id, size_t rank, const char* what) const;
    static void same(const Shape& found, const Shape& expected, const char* what);
    void same(TensorId id, const Shape& expected, const char* what) const { same(shape(id, 0, what), expected, what); }
    /// A tensor's element type, which is one of those.
    DType type(TensorId id, std::initializer_list<DType> expected, const char* what) const;
    /// Vectors of one extent.
    void vectors(std::initializer_list<TensorId> ids, int64_t extent, const char* what) const;
    void state(TensorId id) const { same(id, {kIterationValues}, "iteration state"); }

    /// Of a fully connected layer's input: [N,C], or [N,H,W,C], which it reads as one row an image.
    static int64_t features(const Shape& x, const char* what);
    /// What a map becomes of which one position is left: [N,C], or [N,1,1,C].
    void pooled_whole(TensorId id, const Shape& map, const char* what) const;
    /// Positions of a window along a side of `in`.
    static int64_t positions(int64_t in, const WindowAxis& axis);
    /// The shape of what a convolution makes of x [N,H,W,C] by w [K,R,S,C / groups].
    static Shape convolved(const Shape& x, const Shape& w, const ConvolutionWindow& window);
    static void probability(float keep);
    /// The fields share one word of the counter: larger ones would run into each other.
    static void stream(const Stream& stream);

    void quantiser(const OutputQuantiser& quantiser) const;
    /// Of an operation that writes `output`, of that shape.
    void epilogue(const Epilogue& epilogue, TensorId output, const Shape& shape) const;
    /// Of an operation that writes the gradient dx and adds `addend` to it.
    void gradient(TensorId dx, TensorId addend, const ActivationGradient& activation) const;
    /// Rows that are picked by indices (or taken in order, with none) for a batch of this shape.
    void cache(TensorId rows, TensorId indices, const Shape& batch, const char* what) const;

  private:
    const Program& program_;
};

}  // namespace adaq

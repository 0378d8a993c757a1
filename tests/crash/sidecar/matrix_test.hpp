// What the programs of the crash matrix share: one matrix a program, whose table is printed at its end.
#pragma once

#include <gtest/gtest.h>

#include <iostream>
#include <memory>

#include "tests/crash/sidecar/matrix.hpp"

namespace aegir::sidecar {

class MatrixTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { the_matrix = std::make_unique<Matrix>(); }
  static void TearDownTestSuite() {
    std::cout << the_matrix->table();
    the_matrix.reset();
  }
  static Matrix& matrix() { return *the_matrix; }

 private:
  inline static std::unique_ptr<Matrix> the_matrix;
};

}  // namespace aegir::sidecar

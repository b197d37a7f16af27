// SPDX-License-Identifier: Apache-2.0
#include "agent/core/cpu_traits.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace kilonova::agent::core {
namespace {

struct Row {
  std::string_view feature;  // libvirt's name
  std::string_view trait;    // of os-traits
};

constexpr std::array kRows = {
    Row{"3dnow", "HW_CPU_X86_3DNOW"},
    Row{"abm", "HW_CPU_X86_ABM"},
    Row{"aes", "HW_CPU_X86_AESNI"},
    Row{"avx", "HW_CPU_X86_AVX"},
    Row{"avx2", "HW_CPU_X86_AVX2"},
    Row{"avx512-vpopcntdq", "HW_CPU_X86_AVX512VPOPCNTDQ"},
    Row{"avx512bitalg", "HW_CPU_X86_AVX512BITALG"},
    Row{"avx512bw", "HW_CPU_X86_AVX512BW"},
    Row{"avx512cd", "HW_CPU_X86_AVX512CD"},
    Row{"avx512dq", "HW_CPU_X86_AVX512DQ"},
    Row{"avx512er", "HW_CPU_X86_AVX512ER"},
    Row{"avx512f", "HW_CPU_X86_AVX512F"},
    Row{"avx512ifma", "HW_CPU_X86_AVX512IFMA"},
    Row{"avx512pf", "HW_CPU_X86_AVX512PF"},
    Row{"avx512vbmi", "HW_CPU_X86_AVX512VBMI"},
    Row{"avx512vbmi2", "HW_CPU_X86_AVX512VBMI2"},
    Row{"avx512vl", "HW_CPU_X86_AVX512VL"},
    Row{"avx512vnni", "HW_CPU_X86_AVX512VNNI"},
    Row{"bmi1", "HW_CPU_X86_BMI"},
    Row{"bmi2", "HW_CPU_X86_BMI2"},
    Row{"f16c", "HW_CPU_X86_F16C"},
    Row{"fma", "HW_CPU_X86_FMA3"},
    Row{"fma4", "HW_CPU_X86_FMA4"},
    Row{"gfni", "HW_CPU_X86_AVX512GFNI"},
    Row{"mmx", "HW_CPU_X86_MMX"},
    Row{"mpx", "HW_CPU_X86_MPX"},
    Row{"pclmuldq", "HW_CPU_X86_CLMUL"},
    Row{"sha-ni", "HW_CPU_X86_SHA"},
    Row{"sse", "HW_CPU_X86_SSE"},
    Row{"sse2", "HW_CPU_X86_SSE2"},
    Row{"sse3", "HW_CPU_X86_SSE3"},
    Row{"sse4.1", "HW_CPU_X86_SSE41"},
    Row{"sse4.2", "HW_CPU_X86_SSE42"},
    Row{"sse4a", "HW_CPU_X86_SSE4A"},
    Row{"ssse3", "HW_CPU_X86_SSSE3"},
    Row{"svm", "HW_CPU_X86_AMD_SVM"},
    Row{"svm", "HW_CPU_X86_SVM"},
    Row{"tbm", "HW_CPU_X86_TBM"},
    Row{"vaes", "HW_CPU_X86_AVX512VAES"},
    Row{"vmx", "HW_CPU_X86_INTEL_VMX"},
    Row{"vmx", "HW_CPU_X86_VMX"},
    Row{"vpclmulqdq", "HW_CPU_X86_AVX512VPCLMULQDQ"},
    Row{"xop", "HW_CPU_X86_XOP"},
};

}  // namespace

std::vector<std::string> CpuTraits(const std::vector<std::string>& features) {
  std::vector<std::string> traits;
  for (const Row& row : kRows) {
    if (std::ranges::find(features, row.feature) != features.end()) traits.emplace_back(row.trait);
  }
  std::ranges::sort(traits);
  return traits;
}

std::string CpuFeatureOfTrait(std::string_view trait) {
  const auto* row = std::ranges::find(kRows, trait, &Row::trait);
  if (row == kRows.end()) return "";
  return std::ranges::count(kRows, row->feature, &Row::feature) == 1 ? std::string(row->feature)
                                                                     : "";
}

}  // namespace kilonova::agent::core

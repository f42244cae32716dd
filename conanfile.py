# SPDX-License-Identifier: Apache-2.0
import os
import re

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import load
from conan.tools.scm import Version

required_conan_version = ">=2.0"


class VarveConan(ConanFile):
    name = "varve"
    license = "Apache-2.0"
    description = "A header-only C++20 toolkit for assembling storage engines at compile time"
    topics = ("storage", "key-value", "header-only", "rocksdb", "lmdb")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"with_rocksdb": [True, False], "with_lmdb": [True, False]}
    default_options = {"with_rocksdb": False, "with_lmdb": False}
    exports_sources = (
        "CMakeLists.txt", "LICENSE", "cmake/*", "concepts/*", "include/*", "adapters/*")
    no_copy_source = True

    _compiler_minima = {"gcc": "12", "clang": "16", "apple-clang": "16"}

    def set_version(self):
        cmake = load(self, os.path.join(self.recipe_folder, "CMakeLists.txt"))
        self.version = re.search(r"^\s*VERSION (\d+\.\d+\.\d+)$", cmake, re.MULTILINE).group(1)

    def layout(self):
        cmake_layout(self)

    def requirements(self):
        self.requires("range-v3/0.12.0", transitive_headers=True)
        if self.options.with_rocksdb:
            self.requires("rocksdb/[>=7.8]", transitive_headers=True, transitive_libs=True)
        if self.options.with_lmdb:
            self.requires("lmdb/[>=0.9.24]", transitive_headers=True, transitive_libs=True)

    def package_id(self):
        self.info.clear()

    def validate(self):
        check_min_cppstd(self, 20)
        compiler = str(self.settings.compiler)
        minimum = self._compiler_minima.get(compiler)
        if minimum and Version(self.settings.compiler.version) < minimum:
            raise ConanInvalidConfiguration(f"varve needs {compiler} {minimum} or later")

    def generate(self):
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["VARVE_WITH_ROCKSDB"] = bool(self.options.with_rocksdb)
        toolchain.cache_variables["VARVE_WITH_LMDB"] = bool(self.options.with_lmdb)
        for part in ("TESTS", "EXAMPLES", "BENCHMARKS", "FUZZERS"):
            toolchain.cache_variables[f"VARVE_BUILD_{part}"] = False
        toolchain.generate()
        CMakeDeps(self).generate()

    def build(self):
        CMake(self).configure()

    def package(self):
        CMake(self).install()

    def package_info(self):
        # The installed varve-config.cmake is what find_package(varve) finds; its own find modules
        # take the engines from Conan. The components below are for the other generators.
        self.cpp_info.set_property("cmake_find_mode", "none")
        self.cpp_info.builddirs = [os.path.join("share", "cmake", "varve")]
        self._component("concepts")
        self._component("varve", "concepts", "range-v3::range-v3")
        self._component("adapter_support", "concepts")
        self._component("memory", "adapter_support")
        if self.options.with_rocksdb:
            self._component("rocksdb", "adapter_support", "rocksdb::rocksdb")
        if self.options.with_lmdb:
            self._component("lmdb", "adapter_support", "lmdb::lmdb")

    def _component(self, name, *requires):
        component = self.cpp_info.components[name]
        component.set_property("cmake_target_name", f"varve::{name}")
        component.bindirs = []
        component.libdirs = []
        component.requires = list(requires)
        if self.settings.os in ("Linux", "FreeBSD"):
            component.system_libs = ["pthread"]

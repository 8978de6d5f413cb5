// Compiles HLSL files with DXC, Microsoft's compiler for shader model 6.
//   dxc LIBRARY < list of files
// Prints a line for each: ok or BAD, milliseconds, the file, what the compiler says.
#include "WinAdapter.h"
#include "dxcapi.h"
#include <chrono>
#include <cstdio>
#include <dlfcn.h>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

int main(int, char **arguments) {
    void *library = dlopen(arguments[1], RTLD_NOW);
    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        return 2;
    }
    auto create = (DxcCreateInstanceProc)dlsym(library, "DxcCreateInstance");
    IDxcCompiler3 *compiler = nullptr;
    if (!create || create(CLSID_DxcCompiler, __uuidof(IDxcCompiler3), (void **)&compiler) < 0) {
        fprintf(stderr, "%s has no DXC compiler\n", arguments[1]);
        return 2;
    }
    std::string file;
    while (std::getline(std::cin, file)) {
        std::ifstream input(file, std::ios::binary);
        std::stringstream text;
        text << input.rdbuf();
        std::string code = text.str();
        LPCWSTR options[] = {L"-E", L"main", L"-T", L"cs_6_0", L"-HV", L"2018", L"-no-warnings", L"-Ges"};
        DxcBuffer source{code.data(), code.size(), DXC_CP_UTF8};
        auto begin = std::chrono::steady_clock::now();
        IDxcResult *result = nullptr;
        HRESULT called = compiler->Compile(&source, options, 8, nullptr, __uuidof(IDxcResult), (void **)&result);
        std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - begin;
        HRESULT status = -1;
        std::string message;
        if (called >= 0 && result) {
            result->GetStatus(&status);
            IDxcBlobUtf8 *errors = nullptr;
            if (result->GetOutput(DXC_OUT_ERRORS, __uuidof(IDxcBlobUtf8), (void **)&errors, nullptr) >= 0 && errors) {
                message.assign(errors->GetStringPointer(), errors->GetStringLength());
                errors->Release();
            }
            result->Release();
        }
        for (char &c : message)
            if (c == '\n') c = ' ';
        printf("%s\t%.0f\t%s\t%.300s\n", status >= 0 ? "ok" : "BAD", taken.count(), file.c_str(), message.c_str());
        fflush(stdout);
    }
}

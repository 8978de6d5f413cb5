// Compiles HLSL files with FXC, Microsoft's compiler for shader model 5.1, which d3dcompiler_47.dll holds.
//   fxc.exe DLL LIST
// Prints a line for each file of the list: ok or BAD, milliseconds of processor time, the file, what the compiler says.
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <windows.h>

struct Blob : IUnknown {
    virtual LPVOID STDMETHODCALLTYPE pointer() = 0;
    virtual SIZE_T STDMETHODCALLTYPE size() = 0;
};
typedef HRESULT(WINAPI *Compile)(LPCVOID, SIZE_T, LPCSTR, const void *, void *, LPCSTR, LPCSTR, UINT, UINT, Blob **,
                                 Blob **);
// Strictness and IEEE rules, as wgpu asks for: D3DCOMPILE_ENABLE_STRICTNESS and D3DCOMPILE_OPTIMIZATION_LEVEL3.
const UINT FLAGS = 1u << 11 | 1u << 15;

// The processor time that this thread has used, in milliseconds: other programs do not count.
static double processor_time() {
    FILETIME begun, ended, kernel, user;
    GetThreadTimes(GetCurrentThread(), &begun, &ended, &kernel, &user);
    auto ticks = [](FILETIME t) { return (double)((unsigned long long)t.dwHighDateTime << 32 | t.dwLowDateTime); };
    return (ticks(kernel) + ticks(user)) / 10000.0;
}

int main(int, char **arguments) {
    HMODULE library = LoadLibraryA(arguments[1]);
    Compile compile = library ? (Compile)(void *)GetProcAddress(library, "D3DCompile") : nullptr;
    if (!compile) {
        fprintf(stderr, "%s has no D3DCompile\n", arguments[1]);
        return 2;
    }
    std::ifstream list(arguments[2]);
    std::string file;
    while (std::getline(list, file)) {
        if (!file.empty() && file.back() == '\r') file.pop_back();
        std::ifstream input("Z:" + file, std::ios::binary);
        std::stringstream text;
        text << input.rdbuf();
        std::string code = text.str();
        Blob *binary = nullptr, *errors = nullptr;
        double begin = processor_time();
        HRESULT status = compile(code.data(), code.size(), file.c_str(), nullptr, nullptr, "main", "cs_5_1", FLAGS, 0,
                                 &binary, &errors);
        double taken = processor_time() - begin;
        std::string message = errors ? std::string((char *)errors->pointer()) : "";
        for (char &c : message)
            if (c == '\n' || c == '\r') c = ' ';
        printf("%s\t%.0f\t%s\t%.300s\n", status >= 0 ? "ok" : "BAD", taken, file.c_str(), message.c_str());
        fflush(stdout);
        if (binary) binary->Release();
        if (errors) errors->Release();
    }
}

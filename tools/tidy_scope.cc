// A plugin of clang-tidy, built and loaded by tools/tidy.py. clang-tidy matches its checks against every declaration of
// every header, system headers too, and then throws away what it finds in those. This plugin runs before the checks and
// leaves them only the declarations that are ours. The static analyzer goes its own way and is not affected.
#include <clang/AST/ASTConsumer.h>
#include <clang/AST/ASTContext.h>
#include <clang/AST/DeclCXX.h>
#include <clang/Basic/SourceManager.h>
#include <clang/Frontend/CompilerInstance.h>
#include <clang/Frontend/FrontendPluginRegistry.h>

#include <memory>
#include <string>
#include <vector>

namespace {

using Declarations = std::vector<clang::Decl*>;

bool is_ours(const clang::Decl& declaration, const clang::SourceManager& sources) {
  const clang::SourceLocation at = declaration.getLocation();
  return at.isValid() && !sources.isInSystemHeader(sources.getExpansionLoc(at));
}

// bugprone-forward-declaration-namespace compares a class that we only declare, and never use, with all classes of that
// name, those of system headers too.
bool has_idle_declaration(const clang::Decl& declaration) {
  if (const auto* record = llvm::dyn_cast<clang::CXXRecordDecl>(&declaration)) {
    return !record->hasDefinition() && !record->isReferenced();
  }
  if (!llvm::isa<clang::NamespaceDecl, clang::LinkageSpecDecl>(declaration)) return false;
  for (const clang::Decl* inner : llvm::cast<clang::DeclContext>(&declaration)->decls()) {
    if (has_idle_declaration(*inner)) return true;
  }
  return false;
}

class Scope : public clang::ASTConsumer {
  void HandleTranslationUnit(clang::ASTContext& context) override {
    Declarations ours;
    for (clang::Decl* declaration : context.getTranslationUnitDecl()->decls()) {
      if (!is_ours(*declaration, context.getSourceManager())) continue;
      if (has_idle_declaration(*declaration)) return;  // the scope stays what it is: everything
      ours.push_back(declaration);
    }
    context.setTraversalScope(ours);
  }
};

class Action : public clang::PluginASTAction {
  std::unique_ptr<clang::ASTConsumer> CreateASTConsumer(clang::CompilerInstance&, llvm::StringRef) override {
    return std::make_unique<Scope>();
  }
  bool ParseArgs(const clang::CompilerInstance&, const std::vector<std::string>&) override { return true; }
  ActionType getActionType() override { return AddBeforeMainAction; }
};

const clang::FrontendPluginRegistry::Add<Action> kAdded("holdfast-scope", "checks see only what is ours");

}  // namespace

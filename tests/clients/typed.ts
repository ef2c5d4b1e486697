// What a program in TypeScript makes of openapi.yaml. It is compiled beside the types that
// openapi-typescript makes (`openapi.d.ts`), and never run.

import type { components, operations, paths } from "./openapi";

type User = components["schemas"]["User"];
type Problem = components["schemas"]["Problem"];
type IdentityError = components["schemas"]["IdentityError"];

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
declare function check<T extends true>(): T;

// Null is told apart from absent, and a closed list from a text.
check<Same<User["block_until"], number | null>>();
check<Same<User["username"], components["schemas"]["Username"] | null>>();
check<Same<User["emails"][number]["authenticators"][number], "password" | "email" | "phone">>();
check<Same<User["external_providers"], User["idps"]>>();
check<Same<IdentityError["field"], string | null>>();

// A call has its body, its parameters and its answers.
type Create = operations["create_user"];
check<Same<paths["/api/users"]["post"], Create>>();
check<Same<Create["responses"][201]["content"]["application/json"], User>>();
check<Same<Create["responses"][422]["content"]["application/problem+json"], Problem>>();
check<Same<operations["delete_user"]["responses"][204]["content"], never | undefined>>();
check<Same<operations["get_user"]["parameters"]["path"]["user_id"], string>>();

const body: components["schemas"]["CreateUser"] = { username: "grace", email: null };
const add: operations["add_email"]["requestBody"]["content"]["application/json"] = {
  email: "grace@example.com",
};

export async function create(base: string, key: string): Promise<User | string[]> {
  const headers = { "X-API-KEY": key, "Idempotency-Key": "grace" };
  const request = { method: "POST", headers, body: JSON.stringify({ ...body, ...add }) };
  const answer = await fetch(`${base}/api/users`, request);
  if (answer.ok) {
    return (await answer.json()) as User;
  }
  const { errors, detail } = (await answer.json()) as Problem;
  if (Array.isArray(errors)) {
    return errors.map((error) => `${error.code} ${error.field ?? ""}`);
  }
  return errors ? Object.values(errors).flat() : [detail];
}
